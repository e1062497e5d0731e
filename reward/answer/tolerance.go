package answer

import "math/big"

// rounds tells whether lit is a decimal of six significant digits or more and
// exact, which is no decimal, rounds or truncates to it.
func (c *checker) rounds(lit, exact *node) bool {
	places, text, negative, ok := decimal(lit)
	if !ok || places > 600 || places < -600 || isDecimal(exact) {
		return false
	}
	if hasMatrix(exact) || len(exact.names(nil)) > 0 {
		return false
	}
	want := parseRat(text)
	if want == nil {
		return false
	}
	if negative {
		want.Neg(want)
	}
	value, st := c.rat(exact)
	if st == undefined {
		return false
	}
	if st != known {
		a := arena{c: c, prec: precisions[3]}
		if places < 60 {
			a.prec = precisions[1]
		}
		b := a.snap(a.eval(exact, nil))
		if a.undefined || c.over || b.im != nil || b.err > -places*4-40 && b.err > exponent(b.re)-100 {
			return false
		}
		if value, _ = b.re.Rat(nil); value == nil {
			return false
		}
	}
	// in units of the last place: |value - want| ≤ 1/2, or value is up to 1 further out
	unit := new(big.Rat).SetInt(tenTo(max(places, -places)))
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

// decimal is the literal that n is, and whether it stands for what it rounds.
func decimal(n *node) (places int, text string, negative, ok bool) {
	if n.op == opNeg {
		negative, n = true, n.kids[0]
	}
	if n.op == opNum && n.text != "" && n.rat != nil {
		places, ok = precise(n.text)
		return places, n.text, negative, ok
	}
	return 0, "", false, false
}

// isDecimal tells whether n is written with a decimal point.
func isDecimal(n *node) bool {
	if n.op == opNeg {
		n = n.kids[0]
	}
	return n.op == opNum && n.rat != nil && !isInteger(n.text) && n.text != ""
}
