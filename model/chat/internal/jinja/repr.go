package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// str returns what Python's str returns.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case undefined:
		return ""
	}
	return repr(v)
}

// repr returns what Python's repr returns.
func repr(v any) string {
	join := func(items []any) string {
		all := make([]string, len(items))
		for i, item := range items {
			all[i] = repr(item)
		}
		return strings.Join(all, ", ")
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return reprFloat(v)
	case string:
		return quote(v)
	case undefined:
		return "Undefined"
	case list:
		return "[" + join(v) + "]"
	case tuple:
		if len(v) == 1 {
			return "(" + join(v) + ",)"
		}
		return "(" + join(v) + ")"
	case *dict:
		all := make([]string, len(v.keys))
		for i, k := range v.keys {
			all[i] = repr(k) + ": " + repr(v.values[i])
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	fail("a %s has no text", typeName(v))
	return ""
}

// reprFloat returns the shortest digits that give f again. It writes an exponent below 1e-4
// and from 1e16 on.
func reprFloat(f float64) string {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'f', -1, 64)), "+")
	case size != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote writes a string as Python does. It uses double quotes only if that saves escapes.
func quote(s string) string {
	mark := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	var b strings.Builder
	b.WriteRune(mark)
	for _, r := range s {
		switch {
		case r == mark || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(mark)
	return b.String()
}
