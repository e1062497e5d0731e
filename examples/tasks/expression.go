package tasks

import (
	"errors"
	"fmt"
)

// longest is the limit of an expression in bytes. Three numbers, two signs and sensible
// brackets need far fewer. It also limits the depth of the recursion.
const longest = 80

// evaluate parses an expression of whole numbers from 1 to 99 with +, -, * and round
// brackets. It returns the value of the expression and its numbers:
//
//	sum     = product { ("+" | "-") product }
//	product = factor { "*" factor }
//	factor  = number | "(" sum ")"
//
// A number has no sign, and two numbers need an operator between them.
func evaluate(text string) (value int, numbers []int, err error) {
	if len(text) > longest {
		return 0, nil, fmt.Errorf("has %d bytes, want at most %d", len(text), longest)
	}
	e := expression{text: text}
	value = e.sum()
	if e.err == nil && e.peek() != 0 {
		e.fail()
	}
	if e.err == nil && len(e.numbers) > operands {
		e.err = fmt.Errorf("has %d numbers", len(e.numbers))
	}
	if e.err != nil {
		return 0, nil, e.err
	}
	return value, e.numbers, nil
}

type expression struct {
	text    string
	at      int
	numbers []int
	err     error
}

func (e *expression) sum() int {
	value := e.product()
	for {
		switch e.peek() {
		case '+':
			e.at++
			value += e.product()
		case '-':
			e.at++
			value -= e.product()
		default:
			return value
		}
	}
}

func (e *expression) product() int {
	value := e.factor()
	for e.peek() == '*' {
		e.at++
		value *= e.factor()
	}
	return value
}

func (e *expression) factor() int {
	c := e.peek()
	if c == '(' {
		e.at++
		value := e.sum()
		if e.peek() != ')' {
			e.fail()
		}
		e.at++
		return value
	}
	start := e.at
	for e.at < len(e.text) && e.text[e.at] >= '0' && e.text[e.at] <= '9' {
		e.at++
	}
	n, ok := number(e.text[start:e.at])
	if !ok || len(e.numbers) > operands { // more numbers could overflow
		e.fail()
		return 0
	}
	e.numbers = append(e.numbers, n)
	return n
}

// peek returns the next byte that is not white space, or 0 at the end and after an error.
func (e *expression) peek() byte {
	for ; e.err == nil && e.at < len(e.text); e.at++ {
		switch c := e.text[e.at]; c {
		case ' ', '\t', '\n', '\r':
		case 0:
			e.fail()
		default:
			return c
		}
	}
	return 0
}

func (e *expression) fail() {
	if e.err == nil {
		e.err = errors.New("is not an expression")
		if e.at < len(e.text) {
			e.err = fmt.Errorf("is not an expression: unexpected %q at byte %d", e.text[e.at], e.at)
		}
	}
}
