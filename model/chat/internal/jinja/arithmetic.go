package jinja

import (
	"math"
	"slices"
	"strings"
)

// maxSize bounds the result of one operation, in bytes or items. Without it a template that
// doubles a string 100 times would use all memory.
const maxSize = 1 << 24

// bounded returns v, and fails if its size is over maxSize.
func bounded[T any](v T, size int) T {
	if size > maxSize {
		fail("a sum has more than %d characters or items", maxSize)
	}
	return v
}

// arithmetic applies a binary operator of Python to two values.
func arithmetic(operator string, a, b any) any {
	for _, v := range []any{a, b} {
		if u, ok := v.(undefined); ok {
			fail("%s", string(u))
		}
	}
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return integers(operator, x, y)
		}
	}
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return floats(operator, x, y)
		}
	}
	switch operator {
	case "+":
		switch x := a.(type) {
		case string:
			if y, ok := b.(string); ok {
				return bounded(x+y, len(x)+len(y))
			}
		case list:
			if y, ok := b.(list); ok {
				return bounded(slices.Concat(x, y), len(x)+len(y))
			}
		case tuple:
			if y, ok := b.(tuple); ok {
				return bounded(slices.Concat(x, y), len(x)+len(y))
			}
		}
	case "*":
		if n, ok := integer(a); ok {
			return repeat(b, n)
		}
		if n, ok := integer(b); ok {
			return repeat(a, n)
		}
	}
	fail("unsupported operand type(s) for %s: '%s' and '%s'", operator, typeName(a), typeName(b))
	return nil
}

// repeat returns v n times, as Python's * does for strings and lists.
func repeat(v any, n int64) any {
	size := func(length int) int {
		if length > 0 && n > int64(maxSize/length) {
			fail("a repetition makes more than %d characters or items", maxSize)
		}
		return int(max(n, 0))
	}
	switch v := v.(type) {
	case string:
		return strings.Repeat(v, size(len(v)))
	case list:
		return slices.Repeat(v, size(len(v)))
	}
	fail("unsupported operand type(s) for *: '%s' and 'int'", typeName(v))
	return nil
}

// integers applies an operator to two integers, and fails on overflow.
func integers(operator string, x, y int64) any {
	if y == 0 && strings.ContainsAny(operator, "/%") {
		fail("division by zero")
	}
	var exact float64 // the result, to see whether 64 bits hold it
	var out int64
	switch operator {
	case "+":
		exact, out = float64(x)+float64(y), x+y
	case "-":
		exact, out = float64(x)-float64(y), x-y
	case "*":
		exact, out = float64(x)*float64(y), x*y
	case "/":
		return float64(x) / float64(y)
	case "//", "%":
		quotient, rest := x/y, x%y
		if rest != 0 && (rest < 0) != (y < 0) { // Go rounds to zero, Python down
			quotient, rest = quotient-1, rest+y
		}
		if operator == "%" {
			return rest
		}
		return quotient
	default: // **
		if y < 0 {
			return floats(operator, float64(x), float64(y))
		}
		exact, out = math.Pow(float64(x), float64(y)), 1
		if math.Abs(exact) < 1<<63 {
			for range y {
				if out *= x; out == 0 || out == 1 {
					break // of 0 and 1 every power is the same
				}
			}
			if x == -1 && y%2 != 0 {
				out = -1
			}
		}
	}
	if math.Abs(exact) >= 1<<63 {
		fail("%d %s %d does not fit into 64 bits", x, operator, y)
	}
	return out
}

// floats applies an operator to two floats.
func floats(operator string, x, y float64) any {
	if y == 0 && strings.ContainsAny(operator, "/%") {
		fail("float division by zero")
	}
	switch operator {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case "//":
		return math.Floor(x / y)
	case "%":
		return x - y*math.Floor(x/y)
	}
	return math.Pow(x, y)
}
