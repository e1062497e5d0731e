package rundir

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// A MismatchError is a setting that is not what it was when a directory was begun.
type MismatchError struct {
	File    string // that holds the setting
	Field   string // such as "recipe.RL.Iterations"
	Was, Is string // as JSON
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: %s was %s when the run began and is %s now; take another directory, or go back to what it was",
		e.File, e.Field, e.Was, e.Is)
}

// CheckSettings compares the settings that a directory was begun with to the settings of
// now, both as JSON: a struct, a map or the bytes of a file as a [json.RawMessage]. The
// first field that differs, in the order of the names, is a [*MismatchError] with the name
// of the file. A field that is missing equals one that is zero or empty, so a program may
// add fields.
func CheckSettings(file string, was, is any) error {
	a, err := decoded(was)
	if err != nil {
		return fmt.Errorf("rundir: %s: %w", file, err)
	}
	b, err := decoded(is)
	if err != nil {
		return fmt.Errorf("rundir: settings of now: %w", err)
	}
	if m := mismatch("", a, b); m != nil {
		m.File = file
		return m
	}
	return nil
}

// decoded converts a value to what JSON has of it, with numbers as they are written.
func decoded(v any) (x any, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	err = in.Decode(&x)
	return x, err
}

// mismatch finds the first difference between two values of JSON.
func mismatch(field string, was, is any) *MismatchError {
	a, aObject := was.(map[string]any)
	b, bObject := is.(map[string]any)
	switch {
	case aObject && bObject:
		names := maps.Clone(a)
		maps.Copy(names, b)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			inner := name
			if field != "" {
				inner = field + "." + name
			}
			if m := mismatch(inner, a[name], b[name]); m != nil {
				return m
			}
		}
		return nil
	case empty(was) && empty(is) || sameNumber(was, is) || reflect.DeepEqual(was, is):
		return nil
	}
	return &MismatchError{Field: cmp.Or(field, "the file"), Was: jsonText(was), Is: jsonText(is)}
}

// empty reports whether a value is missing, zero or empty, or an object of such values.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}

// sameNumber reports whether two values are one number, written in different ways.
// Whole numbers are compared as they are written, since a float64 has not all of them.
func sameNumber(was, is any) bool {
	a, aNumber := was.(json.Number)
	b, bNumber := is.(json.Number)
	if !aNumber || !bNumber {
		return false
	}
	if integer(a) && integer(b) {
		return a == b
	}
	x, xErr := a.Float64()
	y, yErr := b.Float64()
	return xErr == nil && yErr == nil && x == y
}

// integer reports whether a number is written as a whole one of 64 bits.
func integer(n json.Number) bool {
	_, signed := strconv.ParseInt(n.String(), 10, 64)
	_, unsigned := strconv.ParseUint(n.String(), 10, 64)
	return signed == nil || unsigned == nil
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
