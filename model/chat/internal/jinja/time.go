package jinja

import (
	"cmp"
	"strings"
	"time"
)

// directives gives Go's layout for each known directive of Python's strftime.
var directives = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'm': "01", 'y': "06", 'Y': "2006",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002",
}

// strftime formats a time as Python does.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		plain := format[i] == '-' && i+1 < len(format) // without leading zeros
		if plain {
			i++
		}
		layout, ok := directives[format[i]]
		switch {
		case format[i] == '%':
			b.WriteByte('%')
		case !ok:
			fail("strftime_now: %%%c is not supported", format[i])
		case plain:
			s := strings.TrimLeft(t.Format(layout), "0")
			b.WriteString(cmp.Or(s, "0")) // Python writes one digit at least
		default:
			b.WriteString(t.Format(layout))
		}
	}
	return b.String()
}
