package chat

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The args of a call: values, of which the last have names.
type args struct {
	values []any
	names  []string
}

// absent stands for an argument that was not given.
var absent any = new(byte)

// bind returns one value a parameter, absent for those not given.
func (a args) bind(callee string, parameters ...string) []any {
	out := make([]any, len(parameters))
	for i := range out {
		out[i] = absent
	}
	plain := len(a.values) - len(a.names)
	if plain > len(parameters) {
		fail("%s takes no more than %d arguments, not %d", callee, len(parameters), plain)
	}
	copy(out, a.values[:plain])
	for i, name := range a.names {
		at := slices.Index(parameters, name)
		if at < 0 || out[at] != absent {
			fail("%s takes no argument %q here", callee, name)
		}
		out[at] = a.values[plain+i]
	}
	return out
}

// or returns the value of an argument, or another if it was not given.
func or(v, other any) any {
	if v == absent {
		return other
	}
	return v
}

// text returns a string argument.
func stringArg(callee string, v any) string {
	s, ok := v.(string)
	if !ok {
		if v == absent {
			fail("%s lacks an argument", callee)
		}
		fail("%s wants a str, not a %s", callee, typeName(v))
	}
	return s
}

func intArg(callee string, v any, other int64) int {
	n, ok := integer(or(v, other))
	if !ok || n != int64(int32(n)) {
		fail("%s wants a small int, not %s", callee, repr(v))
	}
	return int(n)
}

// Globals are the functions that a template can call by name. What transformers adds to
// Jinja2 is raise_exception and strftime_now.
var globals = map[string]func(r *run, a args) any{
	"raise_exception": func(_ *run, a args) any {
		fail("the template refuses: %s", str(or(a.bind("raise_exception", "message")[0], "")))
		return nil
	},
	"strftime_now": func(r *run, a args) any {
		return strftime(r.now, stringArg("strftime_now", a.bind("strftime_now", "format")[0]))
	},
	"namespace": func(_ *run, a args) any {
		return &namespace{*keywords("namespace", a)}
	},
	"dict": func(_ *run, a args) any { return keywords("dict", a) },
	"range": func(_ *run, a args) any {
		b := a.bind("range", "start", "stop", "step")
		from, to, step := 0, intArg("range", b[0], 0), intArg("range", b[2], 1)
		if b[1] != absent {
			from, to = to, intArg("range", b[1], 0)
		}
		if step == 0 {
			fail("range() arg 3 must not be zero")
		}
		out := list{}
		for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
			if out = append(out, int64(i)); len(out) > 100000 { // the limit of Jinja2's sandbox
				fail("range is longer than 100000")
			}
		}
		return out
	},
}

func keywords(callee string, a args) *dict {
	if len(a.values) > len(a.names) {
		fail("%s takes arguments with names only", callee)
	}
	d := &dict{}
	for i, name := range a.names {
		d.set(name, a.values[i])
	}
	return d
}

var dictMethods = map[string]func(d *dict, a args) any{
	"items": func(d *dict, a args) any {
		a.bind("items")
		return pairs(d)
	},
	"keys": func(d *dict, a args) any {
		a.bind("keys")
		return list(d.keys)
	},
	"values": func(d *dict, a args) any {
		a.bind("values")
		return list(d.values)
	},
	"get": func(d *dict, a args) any {
		b := a.bind("get", "key", "default")
		if v, ok := d.get(b[0]); ok {
			return v
		}
		return or(b[1], nil)
	},
}

func pairs(d *dict) list {
	out := make(list, len(d.keys))
	for i, k := range d.keys {
		out[i] = tuple{k, d.values[i]}
	}
	return out
}

var stringMethods = map[string]func(s string, a args) any{
	"strip":  func(s string, a args) any { return trim(trim(s, a, strings.TrimLeftFunc), a, strings.TrimRightFunc) },
	"lstrip": func(s string, a args) any { return trim(s, a, strings.TrimLeftFunc) },
	"rstrip": func(s string, a args) any { return trim(s, a, strings.TrimRightFunc) },
	"upper":  func(s string, a args) any { return strings.ToUpper(s) },
	"lower":  func(s string, a args) any { return strings.ToLower(s) },
	"capitalize": func(s string, a args) any {
		return capitalize(s)
	},
	"startswith": func(s string, a args) any { return affix("startswith", s, a, strings.HasPrefix) },
	"endswith":   func(s string, a args) any { return affix("endswith", s, a, strings.HasSuffix) },
	"count": func(s string, a args) any {
		return int64(strings.Count(s, stringArg("count", a.bind("count", "sub")[0])))
	},
	"find": func(s string, a args) any {
		i := strings.Index(s, stringArg("find", a.bind("find", "sub")[0]))
		return int64(utf8.RuneCountInString(s[:max(i, 0)]) + min(i, 0))
	},
	"join": func(s string, a args) any {
		items := iterate(a.bind("join", "items")[0])
		for _, item := range items {
			stringArg("join", item)
		}
		return joined(items, s)
	},
	"replace": replace,
	"split":   split,
}

func trim(s string, a args, cut func(string, func(rune) bool) string) string {
	chars := or(a.bind("strip", "chars")[0], nil)
	if chars == nil {
		return cut(s, isSpace)
	}
	set := stringArg("strip", chars)
	return cut(s, func(r rune) bool { return strings.ContainsRune(set, r) })
}

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToTitle(s[:n]) + strings.ToLower(s[n:])
}

// affix takes one string, or a tuple of which any will do.
func affix(name, s string, a args, has func(string, string) bool) bool {
	arg := a.bind(name, "affix")[0]
	if all, ok := arg.(tuple); ok {
		return slices.ContainsFunc(all, func(v any) bool { return has(s, stringArg(name, v)) })
	}
	return has(s, stringArg(name, arg))
}

func replace(s string, a args) any {
	b := a.bind("replace", "old", "new", "count")
	n := -1
	if b[2] != absent && b[2] != nil {
		n = intArg("replace", b[2], -1)
	}
	return strings.Replace(s, stringArg("replace", b[0]), stringArg("replace", b[1]), n)
}

func split(s string, a args) any {
	b := a.bind("split", "sep", "maxsplit")
	most := intArg("split", b[1], -1)
	out := list{}
	if or(b[0], nil) == nil { // at runs of white space, none at the ends
		for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
			i := strings.IndexFunc(s, isSpace)
			if i < 0 || most >= 0 && len(out) == most {
				return append(out, strings.TrimRightFunc(s, isSpace))
			}
			out = append(out, s[:i])
			s = s[i:]
		}
		return out
	}
	sep := stringArg("split", b[0])
	if sep == "" {
		fail("empty separator")
	}
	if most >= 0 {
		most++
	}
	if most == 0 {
		most = -1
	}
	for _, part := range strings.SplitN(s, sep, most) {
		out = append(out, part)
	}
	return out
}

func joined(items []any, sep string) string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = str(item)
	}
	return strings.Join(all, sep)
}

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

// sorted sorts without regard to case, unless asked to.
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

// indent puts spaces before every line but the first and empty ones.
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

// mapped is map(attribute='name') or map('filter', arguments of it).
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

// selected keeps the items, or those with the attribute named first, that pass a test,
// or do not; without a test it is whether they are true.
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
