package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// locked stays open until the process ends: whoever closes it gives the lock back.
var locked *os.File

// takeLock takes the file's lock for this process alone. PATH.log gets a line in either case: when, held or refused, who.
func takeLock(path, instance string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	locked = file
	verdict := "held"
	refused := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if refused != nil {
		verdict = "refused"
	}
	log, err := os.OpenFile(path+".log", os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return errors.Join(refused, err)
	}
	_, err = fmt.Fprintf(log, "%d %s %s\n", time.Now().UnixNano(), verdict, instance)
	return errors.Join(refused, err, log.Close())
}
