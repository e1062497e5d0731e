package answer

import (
	"math/big"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A state is the outcome of an exact evaluation.
type state uint8

const (
	known     state = iota
	inexact         // not a rational number, as far as this can tell
	undefined       // 1/0
)

// rat returns the value of n if it is a rational number of at most [ball.MaxBits] bits.
func (c *checker) rat(n *latex.Node) (*big.Rat, state) {
	if c.Step(1); c.Over {
		return nil, inexact
	}
	switch n.Op {
	case latex.OpNum:
		if n.Rat == nil {
			return nil, inexact
		}
		return n.Rat, known
	case latex.OpNeg, latex.OpPercent:
		x, st := c.rat(n.Kids[0])
		if st != known {
			return nil, st
		}
		if n.Op == latex.OpPercent {
			return c.fit(new(big.Rat).Quo(x, big.NewRat(100, 1)))
		}
		return new(big.Rat).Neg(x), known
	case latex.OpAdd, latex.OpMul:
		total := new(big.Rat)
		for i, k := range n.Kids {
			x, st := c.rat(k)
			if st != known {
				return nil, st
			}
			switch {
			case i == 0:
				total = x
			case n.Op == latex.OpAdd:
				total, st = c.fit(new(big.Rat).Add(total, x))
			default:
				total, st = c.fit(new(big.Rat).Mul(total, x))
			}
			if st != known {
				return nil, st
			}
		}
		return total, known
	case latex.OpDiv:
		x, st := c.rat(n.Kids[0])
		if st != known {
			return nil, st
		}
		y, st := c.rat(n.Kids[1])
		if st != known {
			return nil, st
		}
		if y.Sign() == 0 {
			return nil, undefined
		}
		return c.fit(new(big.Rat).Quo(x, y))
	case latex.OpPow:
		return c.ratPow(n)
	case latex.OpFunc:
		if n.Text == "root" {
			return c.ratRoot(n)
		}
	}
	return nil, inexact
}

// fit charges the budget for a result, and refuses one that has too many bits.
func (c *checker) fit(r *big.Rat) (*big.Rat, state) {
	bits := r.Num().BitLen() + r.Denom().BitLen()
	c.Step(bits / 128)
	if bits > 2*ball.MaxBits || c.Over {
		return nil, inexact
	}
	return r, known
}

// ratPow returns the value of a power if it is a rational number.
func (c *checker) ratPow(n *latex.Node) (*big.Rat, state) {
	y, st := c.rat(n.Kids[1])
	if st != known {
		return nil, st
	}
	x, st := c.rat(n.Kids[0])
	if st != known {
		return nil, st
	}
	if !y.IsInt() {
		if y.Num().BitLen() > 12 || y.Denom().Cmp(big.NewInt(2)) != 0 {
			return nil, inexact
		}
		root, st := rationalRoot(x)
		if st != known {
			return nil, st
		}
		x, y = root, new(big.Rat).SetInt(y.Num())
	}
	if x.Sign() == 0 {
		switch y.Sign() {
		case 1:
			return x, known
		default: // 0^0 and 1/0
			return nil, undefined
		}
	}
	bits := max(x.Num().BitLen(), x.Denom().BitLen())
	if bits == 1 { // ±1, of any exponent
		if x.Sign() > 0 || y.Num().Bit(0) == 0 {
			return big.NewRat(1, 1), known
		}
		return x, known
	}
	if y.Num().BitLen() > 13 {
		return nil, inexact
	}
	e := y.Num().Int64()
	if int64(bits)*max(e, -e) > ball.MaxBits {
		return nil, inexact
	}
	c.Step(8)
	k := big.NewInt(max(e, -e))
	num, den := new(big.Int).Exp(x.Num(), k, nil), new(big.Int).Exp(x.Denom(), k, nil)
	if e < 0 {
		num, den = den, num
	}
	return new(big.Rat).SetFrac(num, den), known
}

// ratRoot returns the root of a perfect square.
func (c *checker) ratRoot(n *latex.Node) (*big.Rat, state) {
	if i := n.Kids[1]; i.Op != latex.OpNum || i.Rat == nil || i.Rat.Cmp(big.NewRat(2, 1)) != 0 {
		return nil, inexact
	}
	x, st := c.rat(n.Kids[0])
	if st != known {
		return nil, st
	}
	return rationalRoot(x)
}

// rationalRoot returns the square root of x if it is a rational number.
func rationalRoot(x *big.Rat) (*big.Rat, state) {
	if x.Sign() < 0 {
		return nil, inexact
	}
	num, den := new(big.Int).Sqrt(x.Num()), new(big.Int).Sqrt(x.Denom())
	if new(big.Int).Mul(num, num).Cmp(x.Num()) != 0 || new(big.Int).Mul(den, den).Cmp(x.Denom()) != 0 {
		return nil, inexact
	}
	return new(big.Rat).SetFrac(num, den), known
}
