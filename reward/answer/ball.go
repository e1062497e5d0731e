package answer

import "math/big"

// exactly is the error of an exact number: none.
const exactly = -1 << 28

// A ball is a complex number known to within 2^err. A nil im is exactly zero.
type ball struct {
	re, im *big.Float
	err    int
}

// An arena does the arithmetic of balls at one precision. It notes the largest and
// smallest magnitudes it met, from which follows whether the precision was enough.
type arena struct {
	budget    *budget
	prec      uint
	low, high int // exponents of the smallest and largest non-zero values
	undefined bool
	large     bool // a value was out of range
}

func (a *arena) float() *big.Float { return new(big.Float).SetPrec(a.prec) }

// undef marks the value asked for as undefined.
func (a *arena) undef() ball {
	a.undefined = true
	return ball{re: a.float(), err: exactly}
}

func (a *arena) tooLarge() ball {
	a.large = true
	return a.undef()
}

// plus is an error that holds both of two errors added.
func plus(x, y int) int {
	if x == exactly {
		return y
	}
	if y == exactly {
		return x
	}
	return max(x, y) + 1
}

func exponent(x *big.Float) int {
	if x == nil || x.Sign() == 0 {
		return exactly
	}
	return x.MantExp(nil)
}

// top is an e with |b| < 2^e, and bottom one with 2^e ≤ |b|, where b is not zero.
func (b ball) top() int    { return max(exponent(b.re), exponent(b.im)) + 1 }
func (b ball) bottom() int { return max(exponent(b.re), exponent(b.im)) - 1 }

func (b ball) exactZero() bool { return b.err == exactly && b.re.Sign() == 0 && b.im == nil }

// mayBeZero tells whether zero lies in the ball.
func (b ball) mayBeZero() bool {
	return b.re.Sign() == 0 && (b.im == nil || b.im.Sign() == 0) || b.bottom() <= b.err+1
}

// done rounds off a result: it adds the rounding of its parts to the error and
// notes its magnitude.
func (a *arena) done(b ball, rounded bool) ball {
	if a.budget.step(int(a.prec) / 384); a.budget.over {
		return a.undef()
	}
	if b.im != nil && b.im.Sign() == 0 && b.err == exactly {
		b.im = nil
	}
	e := max(exponent(b.re), exponent(b.im))
	if e == exactly {
		return b
	}
	if rounded {
		b.err = plus(b.err, e+2-int(a.prec))
	}
	if e > 2*maxBits || e < -2*maxBits {
		return a.tooLarge()
	}
	if !b.mayBeZero() {
		a.low, a.high = min(a.low, e), max(a.high, e)
	}
	return b
}

func (a *arena) rat(r *big.Rat) ball {
	if r.IsInt() {
		f := a.float().SetInt(r.Num())
		return a.done(ball{re: f, err: exactly}, f.Acc() != big.Exact)
	}
	return a.done(ball{re: a.float().SetRat(r), err: exactly}, true)
}

func (a *arena) int(v int64) ball { return ball{re: a.float().SetInt64(v), err: exactly} }

func (a *arena) neg(x ball) ball {
	y := ball{re: a.float().Neg(x.re), err: x.err}
	if x.im != nil {
		y.im = a.float().Neg(x.im)
	}
	return y
}

func (a *arena) add(x, y ball) ball {
	z := ball{re: a.float().Add(x.re, y.re), err: plus(x.err, y.err)}
	rounded := z.re.Acc() != big.Exact
	switch {
	case x.im != nil && y.im != nil:
		z.im = a.float().Add(x.im, y.im)
		rounded = rounded || z.im.Acc() != big.Exact
	case x.im != nil:
		z.im = x.im
	case y.im != nil:
		z.im = y.im
	}
	return a.done(z, rounded)
}

func (a *arena) sub(x, y ball) ball { return a.add(x, a.neg(y)) }

func (a *arena) mul(x, y ball) ball {
	if x.exactZero() || y.exactZero() {
		return a.int(0)
	}
	err := exactly
	if x.err != exactly {
		err = plus(err, x.err+y.top())
	}
	if y.err != exactly {
		err = plus(err, y.err+x.top())
	}
	if x.err != exactly && y.err != exactly {
		err = plus(err, x.err+y.err)
	}
	z := ball{err: max(err, exactly)}
	rounded := true
	switch {
	case x.im == nil && y.im == nil:
		z.re = a.float().Mul(x.re, y.re)
		rounded = z.re.Acc() != big.Exact
	case x.im == nil:
		z.re, z.im = a.float().Mul(x.re, y.re), a.float().Mul(x.re, y.im)
	case y.im == nil:
		z.re, z.im = a.float().Mul(x.re, y.re), a.float().Mul(x.im, y.re)
	default:
		t, u := a.float().Mul(x.re, y.re), a.float().Mul(x.im, y.im)
		v, w := a.float().Mul(x.re, y.im), a.float().Mul(x.im, y.re)
		loss := max(exponent(t), exponent(u), exponent(v), exponent(w))
		z.re, z.im = t.Sub(t, u), v.Add(v, w)
		z.err = plus(z.err, loss+2-int(a.prec))
	}
	return a.done(z, rounded)
}

func (a *arena) inv(x ball) ball {
	if x.mayBeZero() {
		return a.undef()
	}
	z := ball{err: exactly}
	if x.err != exactly {
		z.err = x.err - 2*x.bottom() + 1
	}
	one := a.float().SetInt64(1)
	if x.im == nil {
		z.re = one.Quo(one, x.re)
		return a.done(z, z.re.Acc() != big.Exact)
	}
	d := a.float().Mul(x.re, x.re)
	d.Add(d, a.float().Mul(x.im, x.im))
	z.re = a.float().Quo(x.re, d)
	z.im = a.float().Quo(x.im, d)
	z.im.Neg(z.im)
	return a.done(z, true)
}

func (a *arena) div(x, y ball) ball { return a.mul(x, a.inv(y)) }

// half is x·2^n.
func (a *arena) shift(x ball, n int) ball {
	y := ball{re: a.float().SetMantExp(x.re, n), err: x.err}
	if x.im != nil {
		y.im = a.float().SetMantExp(x.im, n)
	}
	if x.err != exactly {
		y.err += n
	}
	return y
}

// snap drops an imaginary part that may be zero, which chooses the branch.
func (a *arena) snap(x ball) ball {
	if x.im != nil && exponent(x.im)-1 <= x.err {
		x.im = nil
	}
	return x
}

// integer is the integer that x is, if it may be one.
func (a *arena) integer(x ball) (*big.Int, bool) {
	x = a.snap(x)
	if x.im != nil || exponent(x.re) > maxBits || x.err > -40 {
		return nil, false
	}
	half := big.NewFloat(0.5)
	if x.re.Sign() < 0 {
		half.Neg(half)
	}
	n, _ := a.float().Add(x.re, half).Int(nil)
	d := a.float().Sub(x.re, a.float().SetInt(n))
	if d.Sign() == 0 || x.err != exactly && exponent(d)-1 <= x.err {
		return n, true
	}
	return nil, false
}

// floor is the largest integer not above the real number x.
func (a *arena) floor(x ball) ball {
	if n, ok := a.integer(x); ok {
		return a.rat(new(big.Rat).SetInt(n))
	}
	x = a.snap(x)
	if x.im != nil || exponent(x.re) > maxBits || x.err > -8 {
		return a.undef()
	}
	n, _ := x.re.Int(nil)
	if x.re.Sign() < 0 {
		n.Sub(n, big.NewInt(1))
	}
	return a.rat(new(big.Rat).SetInt(n))
}
