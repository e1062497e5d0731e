// Package settings turns the options of a run into text that a checkpoint keeps, and
// compares them when the run continues.
package settings

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/satori-go/satori/coat/rundir"
)

// Of returns the fields of a struct as text, by their names in JSON. A tag "setting" names a
// field that JSON does not have. The text of a named function, a struct with a field Name,
// is the name, or that of a tag "default". Of a pointer, an interface or a function without
// a name the text says whether it is set.
func Of(options any) map[string]string {
	s := map[string]string{}
	v := reflect.ValueOf(options)
	for i := range v.NumField() {
		s[key(v.Type().Field(i))] = text(v.Field(i), v.Type().Field(i))
	}
	return s
}

func text(v reflect.Value, f reflect.StructField) string {
	switch v.Kind() {
	case reflect.Func, reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "none"
		}
		return "set"
	case reflect.Struct:
		if named := v.FieldByName("Name"); named.IsValid() {
			return cmp.Or(named.String(), f.Tag.Get("default"), "none")
		}
	}
	return fmt.Sprint(v.Interface())
}

// key returns the name of a field in settings.
func key(f reflect.StructField) string {
	json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if json == "-" {
		json = f.Tag.Get("setting")
	}
	return cmp.Or(json, f.Name)
}

// Compare compares settings that a file has with those of now, which were made from options.
// The first one that is not what it was is a [*rundir.MismatchError], with the name of the
// field in Go after that of the options. What was not written is not compared.
//
// Earlier versions wrote "set" for a function or a model, whichever it was, and "none" for
// a default that has a name now.
func Compare(file string, was, now map[string]string, name string, options any) error {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(options)) {
		fields[key(f)] = f
	}
	a, b := map[string]string{}, map[string]string{}
	for setting, text := range was {
		f, known := fields[setting]
		if text == "set" && now[setting] != "none" {
			continue
		}
		if text == "none" {
			text = cmp.Or(f.Tag.Get("default"), text)
		}
		inGo := setting
		if known {
			inGo = name + "." + f.Name
		}
		a[inGo], b[inGo] = text, now[setting]
	}
	maps.DeleteFunc(b, func(_, text string) bool { return text == "" })
	return rundir.CheckSettings(file, a, b)
}
