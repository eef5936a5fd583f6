package main

import (
	"encoding/json"
	"reflect"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// scalars are structs to Go and single values to JSON.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "port",
	reflect.TypeFor[metav1.Time]():        "text",
	reflect.TypeFor[metav1.FieldsV1]():    "text",
}

// writeFields writes every field of a pod's metadata and spec, as one object: by type, by JSON name, what it holds.
func writeFields(write *json.Encoder) error {
	types := map[string]map[string]string{}
	addType(types, reflect.TypeFor[metav1.ObjectMeta]())
	addType(types, reflect.TypeFor[v1.PodSpec]())
	return write.Encode(types)
}

func addType(types map[string]map[string]string, of reflect.Type) {
	if _, known := types[of.Name()]; known {
		return
	}
	types[of.Name()] = map[string]string{}
	addFields(types, types[of.Name()], of)
}

func addFields(types map[string]map[string]string, fields map[string]string, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && field.Type.Kind() == reflect.Struct {
			addFields(types, fields, field.Type)
			continue
		}
		fields[name] = holds(types, field.Type)
	}
}

// holds is a type's name or a scalar's, in brackets where it is a list or a map.
func holds(types map[string]map[string]string, of reflect.Type) string {
	if scalar, known := scalars[of]; known {
		return scalar
	}
	switch of.Kind() {
	case reflect.Pointer:
		return holds(types, of.Elem())
	case reflect.Slice:
		return "[" + holds(types, of.Elem()) + "]"
	case reflect.Map:
		return "{" + holds(types, of.Elem()) + "}"
	case reflect.Struct:
		addType(types, of)
		return of.Name()
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	case reflect.Int32, reflect.Int64, reflect.Uint8:
		return "integer"
	default:
		return of.String()
	}
}
