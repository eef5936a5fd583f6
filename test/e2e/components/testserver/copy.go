package main

import (
	"errors"
	"os"
	"path/filepath"
)

// copyFile is what init containers and hooks do here: FROM becomes TO, with FROM's mode, and its directories are made.
func copyFile(args []string) error {
	if len(args) != 2 {
		return errors.New("copy: FROM and TO")
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return err
	}
	bytes, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(args[1]), 0o755); err != nil {
		return err
	}
	temporary := args[1] + ".new"
	if err := os.WriteFile(temporary, bytes, info.Mode().Perm()|0o200); err != nil {
		return err
	}
	return os.Rename(temporary, args[1])
}
