package ball

import "math/big"

// MaxBits bounds the size of every number, in bits.
const MaxBits = 4096

// Exact is the error of an exact number: there is none.
const Exact = -1 << 28

// A Ball is a complex number and its error: the true value is at most 2^Err away. A nil Im
// means exactly zero.
type Ball struct {
	Re, Im *big.Float
	Err    int
}

// An Arena does arithmetic on balls at one precision. It keeps the exponents of the largest
// and the smallest value that it met, so that its user can decide whether the precision was
// high enough.
type Arena struct {
	Budget    *Budget
	Prec      uint
	Low, High int // exponents of the smallest and largest non-zero values
	Undefined bool
	Large     bool // a value was out of range
}

// Float returns a new zero of the arena's precision.
func (a *Arena) Float() *big.Float { return new(big.Float).SetPrec(a.Prec) }

// Undef records that the computation has no value, and returns a placeholder.
func (a *Arena) Undef() Ball {
	a.Undefined = true
	return Ball{Re: a.Float(), Err: Exact}
}

// TooLarge records that a value is out of range, and returns a placeholder.
func (a *Arena) TooLarge() Ball {
	a.Large = true
	return a.Undef()
}

// plus returns the exponent of an error that covers the sum of two errors.
func plus(x, y int) int {
	if x == Exact {
		return y
	}
	if y == Exact {
		return x
	}
	return max(x, y) + 1
}

// exponent returns e with 2^(e-1) ≤ |x| < 2^e, or Exact for zero and nil.
func exponent(x *big.Float) int {
	if x == nil || x.Sign() == 0 {
		return Exact
	}
	return x.MantExp(nil)
}

// Top returns an e with |b| < 2^e.
func (b Ball) Top() int { return max(exponent(b.Re), exponent(b.Im)) + 1 }

// bottom returns an e with 2^e ≤ |b|, unless b is zero.
func (b Ball) bottom() int { return max(exponent(b.Re), exponent(b.Im)) - 1 }

// exactZero reports whether b is zero without an error.
func (b Ball) exactZero() bool { return b.Err == Exact && b.Re.Sign() == 0 && b.Im == nil }

// MayBeZero reports whether the ball contains zero.
func (b Ball) MayBeZero() bool {
	return b.Re.Sign() == 0 && (b.Im == nil || b.Im.Sign() == 0) || b.bottom() <= b.Err+1
}

// done completes an operation. If the result was rounded, it adds the rounding to its
// error. It records the magnitude of the result, and charges the budget.
func (a *Arena) done(b Ball, rounded bool) Ball {
	if a.Budget.Step(int(a.Prec) / 384); a.Budget.Over {
		return a.Undef()
	}
	if b.Im != nil && b.Im.Sign() == 0 && b.Err == Exact {
		b.Im = nil
	}
	e := max(exponent(b.Re), exponent(b.Im))
	if e == Exact {
		return b
	}
	if rounded {
		b.Err = plus(b.Err, e+2-int(a.Prec))
	}
	if e > 2*MaxBits || e < -2*MaxBits {
		return a.TooLarge()
	}
	if !b.MayBeZero() {
		a.Low, a.High = min(a.Low, e), max(a.High, e)
	}
	return b
}

// Rat returns a rational number as a ball.
func (a *Arena) Rat(r *big.Rat) Ball {
	if r.IsInt() {
		f := a.Float().SetInt(r.Num())
		return a.done(Ball{Re: f, Err: Exact}, f.Acc() != big.Exact)
	}
	return a.done(Ball{Re: a.Float().SetRat(r), Err: Exact}, true)
}

// Int returns an integer as a ball.
func (a *Arena) Int(v int64) Ball { return Ball{Re: a.Float().SetInt64(v), Err: Exact} }

// Neg returns -x.
func (a *Arena) Neg(x Ball) Ball {
	y := Ball{Re: a.Float().Neg(x.Re), Err: x.Err}
	if x.Im != nil {
		y.Im = a.Float().Neg(x.Im)
	}
	return y
}

// Add returns x + y.
func (a *Arena) Add(x, y Ball) Ball {
	z := Ball{Re: a.Float().Add(x.Re, y.Re), Err: plus(x.Err, y.Err)}
	rounded := z.Re.Acc() != big.Exact
	switch {
	case x.Im != nil && y.Im != nil:
		z.Im = a.Float().Add(x.Im, y.Im)
		rounded = rounded || z.Im.Acc() != big.Exact
	case x.Im != nil:
		z.Im = x.Im
	case y.Im != nil:
		z.Im = y.Im
	}
	return a.done(z, rounded)
}

// Sub returns x - y.
func (a *Arena) Sub(x, y Ball) Ball { return a.Add(x, a.Neg(y)) }

// Mul returns x·y.
func (a *Arena) Mul(x, y Ball) Ball {
	if x.exactZero() || y.exactZero() {
		return a.Int(0)
	}
	err := Exact
	if x.Err != Exact {
		err = plus(err, x.Err+y.Top())
	}
	if y.Err != Exact {
		err = plus(err, y.Err+x.Top())
	}
	if x.Err != Exact && y.Err != Exact {
		err = plus(err, x.Err+y.Err)
	}
	z := Ball{Err: max(err, Exact)}
	rounded := true
	switch {
	case x.Im == nil && y.Im == nil:
		z.Re = a.Float().Mul(x.Re, y.Re)
		rounded = z.Re.Acc() != big.Exact
	case x.Im == nil:
		z.Re, z.Im = a.Float().Mul(x.Re, y.Re), a.Float().Mul(x.Re, y.Im)
	case y.Im == nil:
		z.Re, z.Im = a.Float().Mul(x.Re, y.Re), a.Float().Mul(x.Im, y.Re)
	default:
		t, u := a.Float().Mul(x.Re, y.Re), a.Float().Mul(x.Im, y.Im)
		v, w := a.Float().Mul(x.Re, y.Im), a.Float().Mul(x.Im, y.Re)
		loss := max(exponent(t), exponent(u), exponent(v), exponent(w))
		z.Re, z.Im = t.Sub(t, u), v.Add(v, w)
		z.Err = plus(z.Err, loss+2-int(a.Prec))
	}
	return a.done(z, rounded)
}

// inv returns 1/x.
func (a *Arena) inv(x Ball) Ball {
	if x.MayBeZero() {
		return a.Undef()
	}
	z := Ball{Err: Exact}
	if x.Err != Exact {
		z.Err = x.Err - 2*x.bottom() + 1
	}
	one := a.Float().SetInt64(1)
	if x.Im == nil {
		z.Re = one.Quo(one, x.Re)
		return a.done(z, z.Re.Acc() != big.Exact)
	}
	d := a.Float().Mul(x.Re, x.Re)
	d.Add(d, a.Float().Mul(x.Im, x.Im))
	z.Re = a.Float().Quo(x.Re, d)
	z.Im = a.Float().Quo(x.Im, d)
	z.Im.Neg(z.Im)
	return a.done(z, true)
}

// Div returns x/y.
func (a *Arena) Div(x, y Ball) Ball { return a.Mul(x, a.inv(y)) }

// Shift returns x·2^n.
func (a *Arena) Shift(x Ball, n int) Ball {
	y := Ball{Re: a.Float().SetMantExp(x.Re, n), Err: x.Err}
	if x.Im != nil {
		y.Im = a.Float().SetMantExp(x.Im, n)
	}
	if x.Err != Exact {
		y.Err += n
	}
	return y
}

// Snap drops an imaginary part that may be zero. This chooses the branch of a function that
// is cut along the real line.
func (a *Arena) Snap(x Ball) Ball {
	if x.Im != nil && exponent(x.Im)-1 <= x.Err {
		x.Im = nil
	}
	return x
}

// Integer returns the integer in the ball x, if there is one that x cannot be told apart
// from.
func (a *Arena) Integer(x Ball) (*big.Int, bool) {
	x = a.Snap(x)
	if x.Im != nil || exponent(x.Re) > MaxBits || x.Err > -40 {
		return nil, false
	}
	half := big.NewFloat(0.5)
	if x.Re.Sign() < 0 {
		half.Neg(half)
	}
	n, _ := a.Float().Add(x.Re, half).Int(nil)
	d := a.Float().Sub(x.Re, a.Float().SetInt(n))
	if d.Sign() == 0 || x.Err != Exact && exponent(d)-1 <= x.Err {
		return n, true
	}
	return nil, false
}

// floor returns the largest integer that is not above the real number x.
func (a *Arena) floor(x Ball) Ball {
	if n, ok := a.Integer(x); ok {
		return a.Rat(new(big.Rat).SetInt(n))
	}
	x = a.Snap(x)
	if x.Im != nil || exponent(x.Re) > MaxBits || x.Err > -8 {
		return a.Undef()
	}
	n, _ := x.Re.Int(nil)
	if x.Re.Sign() < 0 {
		n.Sub(n, big.NewInt(1))
	}
	return a.Rat(new(big.Rat).SetInt(n))
}
