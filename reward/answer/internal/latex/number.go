package latex

import (
	"math/big"
	"strconv"
	"strings"
)

// maxBits bounds the numbers that are read, as in package ball. A larger number has no
// value.
const maxBits = 4096

// number reads the number at the head of s. It returns the number without its grouping, and
// its length in s. Groups have exactly three digits. bracketed says that a bracket is open,
// where a comma is always a separator of a list.
func number(s string, bracketed bool) (text string, n int) {
	for n < len(s) && IsDigit(s[n]) {
		n++
	}
	text = s[:n]
	if 0 < n && n <= 3 && text[0] != '0' {
		if grouped, m := groups(s, n, bracketed); m > 0 {
			text, n = grouped, m
		}
	}
	if n < len(s) && s[n] == '.' {
		m := n + 1
		for m < len(s) && IsDigit(s[m]) {
			m++
		}
		if m > n+1 {
			text, n = text+s[n:m], m
		}
		if rep, k := repeating(s[m:]); k > 0 {
			if n < m { // 0.\overline{3}
				text += "."
			}
			return text + "(" + rep + ")", m + k
		}
	}
	if n+1 < len(s) && s[n]|0x20 == 'e' {
		m := n + 1
		if s[m] == '+' || s[m] == '-' {
			m++
		}
		if m < len(s) && IsDigit(s[m]) {
			for m < len(s) && IsDigit(s[m]) {
				m++
			}
			text, n = text+"e"+s[n+1:m], m
		}
	}
	return text, n
}

// groups reads the digits after the first n bytes of s as groups of three. It returns 0 if
// a group has another length.
func groups(s string, n int, bracketed bool) (string, int) {
	sep := separator(s[n:], bracketed)
	if sep == "" {
		return "", 0
	}
	var b strings.Builder
	b.WriteString(s[:n])
	for strings.HasPrefix(s[n:], sep) && n+len(sep) < len(s) && IsDigit(s[n+len(sep)]) {
		at := n + len(sep)
		end := at
		for end < len(s) && IsDigit(s[end]) {
			end++
		}
		if end != at+3 {
			return "", 0
		}
		b.WriteString(s[at:end])
		n = end
	}
	if other := separator(s[n:], bracketed); other != "" && other != sep && other != " " {
		return "", 0
	}
	return b.String(), n
}

// separators stand between groups of digits. Longer ones come first.
var separators = []string{`{,}\!`, `{,}\,`, `{,}`, `,\!`, `,\,`, `,`, `\,`, `\!`, `\ `, " "}

// separator returns the separator at the head of s if a digit follows it.
func separator(s string, bracketed bool) string {
	for _, sep := range separators {
		if strings.HasPrefix(s, sep) && len(s) > len(sep) && IsDigit(s[len(sep)]) {
			if bracketed && sep[0] != '{' {
				return ""
			}
			return sep
		}
	}
	return ""
}

// repeating reads the digits of \overline{3} at the head of s: a period.
func repeating(s string) (digits string, n int) {
	for _, head := range []string{`\overline{`, `\bar{`, `\dot{`} {
		if rest, ok := strings.CutPrefix(s, head); ok {
			k := 0
			for k < len(rest) && IsDigit(rest[k]) {
				k++
			}
			if k > 0 && k < len(rest) && rest[k] == '}' {
				return rest[:k], len(head) + k + 1
			}
		}
	}
	return "", 0
}

// parseRat returns the value of a number's text, or nil if it is too large or too small.
func parseRat(text string) *big.Rat {
	if IsInteger(text) && len(text) <= 18 {
		v, _ := strconv.ParseInt(text, 10, 64)
		return new(big.Rat).SetInt64(v)
	}
	mantissa, exponent := text, 0
	if at := strings.IndexByte(text, 'e'); at >= 0 {
		e, err := strconv.Atoi(text[at+1:])
		if err != nil || e > maxBits/3 || e < -maxBits/3 {
			return nil
		}
		mantissa, exponent = text[:at], e
	}
	mantissa, period, periodic := strings.Cut(mantissa, "(")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction)+len(period) > maxBits/3 {
		return nil
	}
	n, ok := new(big.Int).SetString("0"+whole+fraction, 10)
	if !ok {
		return nil
	}
	r := new(big.Rat).SetInt(n)
	if periodic {
		period = period[:len(period)-1]
		p, _ := new(big.Int).SetString(period, 10)
		nines := tenTo(len(period))
		r.Add(r, new(big.Rat).SetFrac(p, nines.Sub(nines, big.NewInt(1))))
	}
	if shift := exponent - len(fraction); shift > 0 {
		r.Mul(r, new(big.Rat).SetInt(tenTo(shift)))
	} else if shift < 0 {
		r.Quo(r, new(big.Rat).SetInt(tenTo(-shift)))
	}
	return r
}

// tenTo returns 10^n.
func tenTo(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// IsInteger reports whether s contains digits alone.
func IsInteger(s string) bool {
	for i := 0; i < len(s); i++ {
		if !IsDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// Precise reports whether the text of a number is a decimal that stands for every value
// that rounds to it: it has a fraction and at least six significant digits. places is the
// number of digits after the point minus the exponent.
func Precise(text string) (places int, ok bool) {
	mantissa, exponent, _ := strings.Cut(text, "e")
	if strings.IndexByte(mantissa, '(') >= 0 {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	e := 0
	if exponent != "" {
		var err error
		if e, err = strconv.Atoi(exponent); err != nil || e > maxBits || e < -maxBits {
			return 0, false
		}
	}
	significant := len(strings.TrimLeft(whole+fraction, "0"))
	return len(fraction) - e, fraction != "" && significant >= 6
}

// PlainInteger returns the canonical form of an integer that is written with a sign, digits
// and commas between groups of three, and nothing else.
func PlainInteger(s string) (string, bool) {
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = "-"
		}
		s = s[1:]
	}
	if strings.IndexByte(s, ',') >= 0 {
		text, n := number(s, false)
		if n != len(s) {
			return "", false
		}
		s = text
	}
	if !IsInteger(s) {
		return "", false
	}
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0", true
	}
	return sign + s, true
}
