package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The args of a call are values, of which the last ones have names.
type args struct {
	values []any
	names  []string
}

// absent means that an argument was not given.
var absent any = new(byte)

// bind returns one value for each parameter, or absent.
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

// or returns v, or other if v is absent.
func or(v, other any) any {
	if v == absent {
		return other
	}
	return v
}

// stringArg returns the argument v of callee as a string.
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

// intArg returns the argument v of callee as an integer, or other if it is absent.
func intArg(callee string, v any, other int64) int {
	n, ok := integer(or(v, other))
	if !ok || n != int64(int32(n)) {
		fail("%s wants a small int, not %s", callee, repr(v))
	}
	return int(n)
}

// globals holds the functions that a template can call by name. raise_exception and
// strftime_now come from transformers, the others from Jinja2.
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

// keywords returns the named arguments of a call as a dict.
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

// pairs returns the keys and values of a dict as tuples.
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

// trim removes white space, or the characters of an argument, from one end of s.
func trim(s string, a args, cut func(string, func(rune) bool) string) string {
	chars := or(a.bind("strip", "chars")[0], nil)
	if chars == nil {
		return cut(s, isSpace)
	}
	set := stringArg("strip", chars)
	return cut(s, func(r rune) bool { return strings.ContainsRune(set, r) })
}

// capitalize returns s with a first letter in upper case and the rest in lower case.
func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToTitle(s[:n]) + strings.ToLower(s[n:])
}

// affix calls has with one string, or with each of a tuple until one is true.
func affix(name, s string, a args, has func(string, string) bool) bool {
	arg := a.bind(name, "affix")[0]
	if all, ok := arg.(tuple); ok {
		return slices.ContainsFunc(all, func(v any) bool { return has(s, stringArg(name, v)) })
	}
	return has(s, stringArg(name, arg))
}

// replace returns s with all, or the first few, occurrences of a text replaced.
func replace(s string, a args) any {
	b := a.bind("replace", "old", "new", "count")
	n := -1
	if b[2] != absent && b[2] != nil {
		n = intArg("replace", b[2], -1)
	}
	old, new := stringArg("replace", b[0]), stringArg("replace", b[1])
	times := strings.Count(s, old)
	if n >= 0 {
		times = min(times, n)
	}
	if len(new) > len(old) && times > (maxSize-len(s))/(len(new)-len(old)) {
		fail("a replacement makes more than %d characters", maxSize)
	}
	return strings.Replace(s, old, new, n)
}

// split returns the parts of s, as Python's str.split does.
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

// joined returns the texts of items with sep between them.
func joined(items []any, sep string) string {
	all := make([]string, len(items))
	size := 0
	for i, item := range items {
		all[i] = str(item)
		if size += len(all[i]) + len(sep); size > maxSize {
			fail("joining makes more than %d characters", maxSize)
		}
	}
	return strings.Join(all, sep)
}
