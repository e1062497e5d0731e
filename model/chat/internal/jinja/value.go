package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The values of a template are nil for None, bool, int64, float64, string, list, tuple,
// *dict, undefined, *namespace, *loop and function.
type (
	list      []any
	tuple     []any
	undefined string // why it is, such as 'x' is undefined
	namespace struct{ dict }
	function  func(a args) any
)

// A dict keeps the order of its keys.
type dict struct {
	keys   []any
	values []any
	index  map[any]int
}

func (d *dict) get(key any) (any, bool) {
	i, ok := d.index[hash(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

func (d *dict) set(key, value any) {
	h := hash(key)
	if i, ok := d.index[h]; ok {
		d.values[i] = value
		return
	}
	if d.index == nil {
		d.index = map[any]int{}
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
}

// hash returns the same Go value for keys that are equal in Python.
func hash(key any) any {
	switch k := key.(type) {
	case nil, string:
		return k
	case bool, int64, float64:
		f, _ := number(k)
		return f
	}
	fail("a %s cannot be the key of a dict", typeName(key))
	return nil
}

// A failure is what rendering panics with. Render returns it as an error.
type failure struct{ error }

// fail ends the rendering with an error.
func fail(format string, a ...any) { panic(failure{fmt.Errorf(format, a...)}) }

// value converts a Go value into a template's value. A type that it does not know goes
// through JSON, so that a struct becomes a dict in the order of its fields.
func value(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, list, tuple, *dict, undefined, *namespace, *loop, function:
		return v
	case int:
		return int64(v)
	case Object:
		d := &dict{}
		for _, m := range v {
			d.set(m.Name, value(m.Value))
		}
		return d
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			fail("%s is too large a number", v)
		}
		return f
	case []any:
		out := make(list, len(v))
		for i, item := range v {
			out[i] = value(item)
		}
		return out
	case map[string]any:
		d := &dict{}
		for _, k := range sortedKeys(v) {
			d.set(k, value(v[k]))
		}
		return d
	case json.RawMessage:
		d := json.NewDecoder(bytes.NewReader(v))
		d.UseNumber()
		out, err := decode(d)
		if err != nil {
			fail("a variable is not JSON: %v", err)
		}
		return out
	}
	data, err := json.Marshal(v)
	if err != nil {
		fail("a variable of type %v has no JSON: %v", reflect.TypeOf(v), err)
	}
	return value(json.RawMessage(data))
}

// decode reads one JSON value. Objects keep their order.
func decode(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		items := list{}
		for d.More() {
			v, err := decode(d)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		_, err = d.Token()
		return items, err
	case json.Delim('{'):
		items := &dict{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decode(d)
			if err != nil {
				return nil, err
			}
			items.set(key, v)
		}
		_, err = d.Token()
		return items, err
	}
	return value(t), nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// typeName returns the name of a value's type in Python.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case list:
		return "list"
	case tuple:
		return "tuple"
	case *dict:
		return "dict"
	case undefined:
		return "Undefined"
	case *namespace:
		return "Namespace"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "*jinja.")
}

// truth reports whether Python takes a value for true.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case list:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return true
}

// number returns the value of a number. A bool is a number in Python.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// integer returns the value of an integer. A bool is an integer in Python.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// equal reports whether a == b in Python.
func equal(a, b any) bool {
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return x == y
		}
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && a == s
	case list:
		l, ok := b.(list)
		return ok && slices.EqualFunc(a, l, equal)
	case tuple:
		t, ok := b.(tuple)
		return ok && slices.EqualFunc(a, t, equal)
	case *dict:
		d, ok := b.(*dict)
		if !ok || len(a.keys) != len(d.keys) {
			return false
		}
		for i, k := range a.keys {
			v, ok := d.get(k)
			if !ok || !equal(a.values[i], v) {
				return false
			}
		}
		return true
	case undefined:
		_, ok := b.(undefined)
		return ok
	case *namespace, *loop:
		return a == b
	}
	return false
}

// less reports whether a < b in Python. It fails if they have no order.
func less(a, b any) bool {
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return x < y
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x < y
		}
	}
	fail("%s and %s have no order", typeName(a), typeName(b))
	return false
}

// iterate returns the items that a for loop over v takes.
func iterate(v any) []any {
	switch v := v.(type) {
	case list:
		return v
	case tuple:
		return v
	case *dict:
		return v.keys
	case string:
		var out []any
		for _, r := range v {
			out = append(out, string(r))
		}
		return out
	case undefined:
		return nil
	}
	fail("'%s' object is not iterable", typeName(v))
	return nil
}
