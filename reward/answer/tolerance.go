package answer

import (
	"math/big"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// rounds reports whether lit is a decimal of six significant digits or more, and exact is
// not a decimal and rounds or truncates to lit.
func (c *checker) rounds(lit, exact *latex.Node) bool {
	want, places, ok := decimal(lit)
	if !ok || places > 600 || places < -600 || isDecimal(exact) {
		return false
	}
	if hasMatrix(exact) || len(exact.Names(nil)) > 0 {
		return false
	}
	value, st := c.rat(exact)
	if st == undefined {
		return false
	}
	if st != known {
		e := c.at(0, false, nil)
		e.Prec = ball.Precisions[3]
		if places < 60 {
			e.Prec = ball.Precisions[1]
		}
		b := e.Snap(e.eval(exact, nil))
		if e.Undefined || c.Over || b.Im != nil || b.Err > -places*4-40 && b.Err > b.Top()-101 {
			return false
		}
		if value, _ = b.Re.Rat(nil); value == nil {
			return false
		}
	}
	// in units of the last place: |value - want| ≤ 1/2, or value is up to 1 further out
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(places, -places))), nil))
	if places < 0 {
		unit.Inv(unit)
	}
	d := new(big.Rat).Sub(value, want)
	d.Mul(d, unit)
	if new(big.Rat).Abs(d).Cmp(big.NewRat(1, 2)) <= 0 {
		return true
	}
	if want.Sign() < 0 {
		d.Neg(d)
	}
	return value.Sign() == want.Sign() && d.Sign() >= 0 && d.Cmp(big.NewRat(1, 1)) < 0
}

// decimal returns the value and the number of decimal places of a literal that stands for
// everything that rounds to it.
func decimal(n *latex.Node) (value *big.Rat, places int, ok bool) {
	negative := n.Op == latex.OpNeg
	if negative {
		n = n.Kids[0]
	}
	if n.Op != latex.OpNum || n.Text == "" || n.Rat == nil {
		return nil, 0, false
	}
	if places, ok = latex.Precise(n.Text); !ok {
		return nil, 0, false
	}
	value = new(big.Rat).Set(n.Rat)
	if negative {
		value.Neg(value)
	}
	return value, places, true
}

// isDecimal reports whether n is written with a decimal point.
func isDecimal(n *latex.Node) bool {
	if n.Op == latex.OpNeg {
		n = n.Kids[0]
	}
	return n.Op == latex.OpNum && n.Rat != nil && !latex.IsInteger(n.Text) && n.Text != ""
}
