package jinja

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The filters and tests are set below, since some of them look up others.
var (
	filters map[string]func(v any, a args) any
	tests   map[string]func(v any, a args) bool
)

func init() {
	filters = map[string]func(v any, a args) any{
		"trim": func(v any, a args) any {
			return trim(trim(str(v), a, strings.TrimLeftFunc), a, strings.TrimRightFunc)
		},
		"upper":      func(v any, a args) any { return strings.ToUpper(str(v)) },
		"lower":      func(v any, a args) any { return strings.ToLower(str(v)) },
		"capitalize": func(v any, a args) any { return capitalize(str(v)) },
		"string":     func(v any, a args) any { return str(v) },
		"safe":       func(v any, a args) any { return str(v) },
		"replace":    func(v any, a args) any { return replace(str(v), a) },
		"length":     length,
		"count":      length,
		"list":       func(v any, a args) any { return list(slices.Clone(iterate(v))) },
		"first": func(v any, a args) any {
			if items := iterate(v); len(items) > 0 {
				return items[0]
			}
			return undefined("no first item, sequence was empty")
		},
		"last": func(v any, a args) any {
			if items := iterate(v); len(items) > 0 {
				return items[len(items)-1]
			}
			return undefined("no last item, sequence was empty")
		},
		"join": func(v any, a args) any {
			return joined(iterate(v), str(or(a.bind("join", "d")[0], "")))
		},
		"reverse": func(v any, a args) any {
			items := slices.Clone(iterate(v))
			slices.Reverse(items)
			if _, ok := v.(string); ok {
				return joined(items, "")
			}
			return list(items)
		},
		"sort":    sorted,
		"default": orDefault,
		"d":       orDefault,
		"int":     toInt,
		"float":   toFloat,
		"items": func(v any, a args) any {
			switch v := v.(type) {
			case undefined:
				return list{}
			case *dict:
				return pairs(v)
			}
			fail("Can only get item pairs from a mapping.")
			return nil
		},
		"indent": indent,
		"tojson": toJSON,
		"map":    mapped,
		"select": func(v any, a args) any { return selected(v, a, false, true) },
		"reject": func(v any, a args) any { return selected(v, a, false, false) },
		"selectattr": func(v any, a args) any {
			return selected(v, a, true, true)
		},
		"rejectattr": func(v any, a args) any {
			return selected(v, a, true, false)
		},
	}
	comparing := func(operator string) func(v any, a args) bool {
		return func(v any, a args) bool { return compare(operator, v, a.bind(operator, "other")[0]) }
	}
	tests = map[string]func(v any, a args) bool{
		"defined":   func(v any, a args) bool { return !is[undefined](v) },
		"undefined": func(v any, a args) bool { return is[undefined](v) },
		"none":      func(v any, a args) bool { return v == nil },
		"string":    func(v any, a args) bool { return is[string](v) },
		"boolean":   func(v any, a args) bool { return is[bool](v) },
		"integer":   func(v any, a args) bool { return is[int64](v) },
		"float":     func(v any, a args) bool { return is[float64](v) },
		"number":    func(v any, a args) bool { return is[bool](v) || is[int64](v) || is[float64](v) },
		"mapping":   func(v any, a args) bool { return is[*dict](v) },
		"sequence":  isIterable,
		"iterable":  isIterable,
		"callable":  func(v any, a args) bool { return is[function](v) },
		"true":      func(v any, a args) bool { return v == true },
		"false":     func(v any, a args) bool { return v == false },
		"odd":       func(v any, a args) bool { return equal(arithmetic("%", v, int64(2)), int64(1)) },
		"even":      func(v any, a args) bool { return equal(arithmetic("%", v, int64(2)), int64(0)) },
		"in":        comparing("in"),
		"eq":        comparing("=="), "equalto": comparing("=="), "==": comparing("=="),
		"ne": comparing("!="), "!=": comparing("!="),
		"lt": comparing("<"), "<": comparing("<"), "le": comparing("<="), "<=": comparing("<="),
		"gt": comparing(">"), ">": comparing(">"), "ge": comparing(">="), ">=": comparing(">="),
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func isIterable(v any, _ args) bool {
	return is[string](v) || is[list](v) || is[tuple](v) || is[*dict](v) || is[undefined](v)
}

func length(v any, _ args) any {
	if s, ok := v.(string); ok {
		return int64(utf8.RuneCountInString(s))
	}
	return int64(len(iterate(v)))
}

func orDefault(v any, a args) any {
	b := a.bind("default", "default_value", "boolean")
	if is[undefined](v) || truth(or(b[1], false)) && !truth(v) {
		return or(b[0], "")
	}
	return v
}

func toInt(v any, a args) any {
	other := or(a.bind("int", "default")[0], int64(0))
	if s, ok := v.(string); ok {
		if i, err := strconv.ParseInt(strings.TrimFunc(s, isSpace), 10, 64); err == nil {
			return i
		}
	}
	if i, ok := integer(v); ok {
		return i
	}
	if f, ok := toFloat(v, args{[]any{nil}, nil}).(float64); ok && f > -1<<63 && f < 1<<63 {
		return int64(f)
	}
	return other
}

func toFloat(v any, a args) any {
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimFunc(s, isSpace), 64); err == nil {
			return f
		}
	}
	if f, ok := number(v); ok {
		return f
	}
	return or(a.bind("float", "default")[0], 0.0)
}

// sorted sorts without regard to case, unless an argument asks for it.
func sorted(v any, a args) any {
	b := a.bind("sort", "reverse", "case_sensitive")
	key := func(v any) any {
		if s, ok := v.(string); ok && !truth(or(b[1], false)) {
			return strings.ToLower(s)
		}
		return v
	}
	items := slices.Clone(iterate(v))
	slices.SortStableFunc(items, func(x, y any) int {
		if truth(or(b[0], false)) {
			x, y = y, x
		}
		switch {
		case less(key(x), key(y)):
			return -1
		case less(key(y), key(x)):
			return 1
		}
		return 0
	})
	return list(items)
}

// indent puts spaces before every line, except for the first one and empty ones.
func indent(v any, a args) any {
	b := a.bind("indent", "width", "first", "blank")
	pad, ok := b[0].(string)
	if !ok {
		pad = strings.Repeat(" ", min(max(intArg("indent", b[0], 4), 0), 1000))
	}
	lines := strings.Split(str(v), "\n")
	for i, line := range lines {
		if i == 0 && truth(or(b[1], false)) || i > 0 && (line != "" || truth(or(b[2], false))) {
			lines[i] = pad + line
		}
	}
	return strings.Join(lines, "\n")
}

// mapped is map(attribute='name') or map('filter', arguments).
func mapped(v any, a args) any {
	out := list{}
	if len(a.names) > 0 {
		b := a.bind("map", "", "attribute", "default")
		path := stringArg("map", b[1])
		for _, item := range iterate(v) {
			got := getPath(item, path)
			if is[undefined](got) {
				got = or(b[2], got)
			}
			out = append(out, got)
		}
		return out
	}
	if len(a.values) == 0 {
		fail("map requires a filter argument")
	}
	name := stringArg("map", a.values[0])
	f := filters[name]
	if f == nil {
		fail("the filter %q is not supported", name)
	}
	for _, item := range iterate(v) {
		out = append(out, f(item, args{a.values[1:], nil}))
	}
	return out
}

// selected returns the items that pass a test, or those that fail it if pass is false. With
// byAttribute it tests the attribute that the first argument names. Without a test an item
// passes if it is true.
func selected(v any, a args, byAttribute, pass bool) any {
	values := a.values
	path := ""
	if byAttribute {
		if len(values) == 0 {
			fail("selectattr lacks the name of an attribute")
		}
		path, values = stringArg("selectattr", values[0]), values[1:]
	}
	check := func(v any, _ args) bool { return truth(v) }
	if len(values) > 0 {
		name := stringArg("select", values[0])
		if check = tests[name]; check == nil {
			fail("the test %q is not supported", name)
		}
		values = values[1:]
	}
	out := list{}
	for _, item := range iterate(v) {
		subject := item
		if byAttribute {
			subject = getPath(item, path)
		}
		if check(subject, args{values, nil}) == pass {
			out = append(out, item)
		}
	}
	return out
}

// getPath follows a name with dots.
func getPath(v any, path string) any {
	for _, name := range strings.Split(path, ".") {
		if i, err := strconv.ParseInt(name, 10, 64); err == nil {
			v = getItem(v, i)
		} else {
			v = getItem(v, name)
		}
	}
	return v
}
