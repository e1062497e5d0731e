package jinja

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf16"
)

// toJSON is the filter tojson of transformers. It calls Python's json.dumps, which keeps <,
// & and non-ASCII characters, and writes a space after each comma and colon.
func toJSON(v any, a args) any {
	b := a.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")
	w := jsonWriter{ascii: truth(or(b[0], false)), sorted: truth(or(b[3], false)), comma: ", ", colon: ": "}
	if indent := or(b[1], nil); indent != nil {
		pad, ok := indent.(string)
		if !ok {
			pad = strings.Repeat(" ", min(max(intArg("tojson", indent, 0), 0), 1000))
		}
		w.pad, w.lines, w.comma = pad, true, ","
	}
	if separators := or(b[2], nil); separators != nil {
		both := iterate(separators)
		if len(both) != 2 {
			fail("tojson: separators are a pair")
		}
		w.comma, w.colon = stringArg("tojson", both[0]), stringArg("tojson", both[1])
	}
	w.write(v, 0)
	return w.String()
}

type jsonWriter struct {
	strings.Builder
	ascii, sorted, lines bool
	pad, comma, colon    string
}

func (w *jsonWriter) write(v any, depth int) {
	if depth > 10*maxDepth {
		fail("tojson: nested more than %d deep", 10*maxDepth)
	}
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		fmt.Fprint(w, v)
	case int64:
		fmt.Fprint(w, v)
	case float64:
		w.WriteString(jsonFloat(v))
	case string:
		w.quote(v)
	case list:
		w.items('[', ']', len(v), depth, func(i int) { w.write(v[i], depth+1) })
	case tuple:
		w.write(list(v), depth)
	case *dict:
		order := make([]int, len(v.keys))
		for i := range order {
			order[i] = i
		}
		if w.sorted {
			slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(jsonKey(v.keys[i]), jsonKey(v.keys[j])) })
		}
		w.items('{', '}', len(order), depth, func(i int) {
			w.quote(jsonKey(v.keys[order[i]]))
			w.WriteString(w.colon)
			w.write(v.values[order[i]], depth+1)
		})
	default:
		fail("Object of type %s is not JSON serializable", typeName(v))
	}
}

func (w *jsonWriter) items(open, end byte, n, depth int, item func(i int)) {
	w.WriteByte(open)
	newline := func(depth int) {
		if w.lines && n > 0 {
			w.WriteByte('\n')
			w.WriteString(strings.Repeat(w.pad, depth))
		}
	}
	for i := range n {
		if i > 0 {
			w.WriteString(w.comma)
		}
		newline(depth + 1)
		item(i)
	}
	newline(depth)
	w.WriteByte(end)
}

// jsonKey returns a key as the text that JSON needs.
func jsonKey(key any) string {
	switch k := key.(type) {
	case string:
		return k
	case nil, bool:
		data, _ := json.Marshal(k) // of null, true and false it cannot fail
		return string(data)
	case float64:
		return jsonFloat(k)
	}
	return repr(key)
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return reprFloat(f)
}

func (w *jsonWriter) quote(s string) {
	w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
			w.WriteByte('\\')
			w.WriteByte("bfnrt"[strings.IndexRune("\b\f\n\r\t", r)])
		case r < ' ' || w.ascii && 0x7f <= r && r < 0x10000:
			if r == 0x7f { // Python takes it for printable
				w.WriteRune(r)
				continue
			}
			fmt.Fprintf(w, `\u%04x`, r)
		case w.ascii && r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(w, `\u%04x\u%04x`, high, low)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
}
