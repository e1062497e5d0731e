package answer

import "math/big"

// absolute adds an absolute error of a few units in the last place below 2^e.
func (a *arena) absolute(x ball, e int) ball {
	x.err = plus(x.err, e+6-int(a.prec))
	return a.done(x, true)
}

func (a *arena) sqrt(x ball) ball {
	x = a.snap(x)
	if x.exactZero() {
		return x
	}
	if x.mayBeZero() {
		return ball{re: a.float(), err: (max(x.err, x.top()) + 2) / 2}
	}
	z := ball{err: exactly}
	if x.err != exactly {
		z.err = x.err - (x.bottom()-1)/2 + 1
	}
	if x.im == nil {
		if x.re.Sign() > 0 {
			z.re = a.float().Sqrt(x.re)
			return a.done(z, true) // Sqrt does not tell whether it rounded
		}
		z.re, z.im = a.float(), a.float().Sqrt(a.float().Neg(x.re))
		return a.done(z, true)
	}
	r := a.float().Mul(x.re, x.re)
	r.Add(r, a.float().Mul(x.im, x.im)).Sqrt(r)
	t := a.float().Abs(x.re)
	t.Add(t, r)
	t.SetMantExp(t, -1)
	t.Sqrt(t)
	u := a.float().Abs(x.im)
	u.SetMantExp(u, -1)
	u.Quo(u, t)
	if x.re.Sign() < 0 {
		t, u = u, t
	}
	if x.im.Sign() < 0 {
		u.Neg(u)
	}
	z.re, z.im = t, u
	return a.absolute(z, z.top())
}

func (a *arena) exp(x ball) ball {
	if x.exactZero() {
		return a.int(1)
	}
	if exponent(x.re) > 13 || x.err > 0 {
		return a.tooLarge()
	}
	if !a.work() {
		return a.undef()
	}
	r := a.expReal(x.re)
	z := ball{re: r, err: exactly}
	if x.err != exactly {
		z.err = x.err + exponent(r) + 2
	}
	if x.im != nil {
		if exponent(x.im) > 64 {
			return a.tooLarge()
		}
		s, c := a.sinCos(x.im)
		z.re, z.im = a.float().Mul(r, c), a.float().Mul(r, s)
	}
	return a.absolute(z, exponent(r))
}

func (a *arena) ln(x ball) ball {
	x = a.snap(x)
	if x.mayBeZero() {
		return a.undef()
	}
	if !a.work() || !a.work() {
		return a.undef()
	}
	z := ball{err: exactly}
	if x.err != exactly {
		z.err = x.err - x.bottom() + 2
	}
	if x.im == nil {
		if x.err == exactly && x.re.Cmp(big.NewFloat(1)) == 0 {
			return a.int(0)
		}
		z.re = a.lnReal(a.float().Abs(x.re))
		if x.re.Sign() < 0 {
			z.im = a.pi().re
		}
	} else {
		r := a.float().Mul(x.re, x.re)
		r.Add(r, a.float().Mul(x.im, x.im))
		z.re = a.lnReal(r)
		z.re.SetMantExp(z.re, -1)
		z.im = a.angle(x.im, x.re)
	}
	return a.absolute(z, max(z.top(), 4))
}

// sinCosOf is sin x and cos x of a complex number.
func (a *arena) sinCosOf(x ball) (sin, cos ball) {
	x = a.snap(x)
	if exponent(x.re) > 64 || x.err > -8 {
		z := a.tooLarge()
		return z, z
	}
	if x.exactZero() {
		return a.int(0), a.int(1)
	}
	if !a.work() {
		z := a.undef()
		return z, z
	}
	s, c := a.sinCos(x.re)
	err := x.err
	if x.im == nil {
		return a.absolute(ball{re: s, err: err}, 1), a.absolute(ball{re: c, err: err}, 1)
	}
	y := ball{re: x.im, err: x.err}
	up := a.exp(y)
	down := a.exp(a.neg(y))
	cosh, sinh := a.shift(a.add(up, down), -1), a.shift(a.sub(up, down), -1)
	sr := a.absolute(ball{re: s, err: err}, 1)
	cr := a.absolute(ball{re: c, err: err}, 1)
	return a.add(a.mul(sr, cosh), a.times(a.mul(cr, sinh))), a.sub(a.mul(cr, cosh), a.times(a.mul(sr, sinh)))
}

// times is i·x.
func (a *arena) times(x ball) ball {
	return a.mul(x, ball{re: a.float(), im: a.float().SetInt64(1), err: exactly})
}

// arctan2 is the angle of a real point, with the error of both.
func (a *arena) arctan2(y, x ball) ball {
	if !a.work() {
		return a.undef()
	}
	err := plus(x.err, y.err)
	if err != exactly {
		err -= max(exponent(x.re), exponent(y.re)) - 2
	}
	return a.absolute(ball{re: a.angle(y.re, x.re), err: err}, 2)
}

func (a *arena) arctan(x ball) ball {
	if x = a.snap(x); x.im == nil {
		if x.exactZero() {
			return x
		}
		return a.arctan2(x, a.int(1))
	}
	ix := a.times(x)
	d := a.sub(a.ln(a.sub(a.int(1), ix)), a.ln(a.add(a.int(1), ix)))
	return a.shift(a.times(d), -1)
}

func (a *arena) arcsin(x ball) ball {
	x = a.snap(x)
	root := a.sqrt(a.sub(a.int(1), a.mul(x, x)))
	if x.im == nil && root.im == nil {
		return a.arctan2(x, root)
	}
	return a.neg(a.times(a.ln(a.add(a.times(x), root))))
}

// abs is |x|.
func (a *arena) abs(x ball) ball {
	if x = a.snap(x); x.im == nil {
		return ball{re: a.float().Abs(x.re), err: x.err}
	}
	if x.re.Sign() == 0 {
		return ball{re: a.float().Abs(x.im), err: x.err}
	}
	r := a.float().Mul(x.re, x.re)
	r.Add(r, a.float().Mul(x.im, x.im)).Sqrt(r)
	return a.absolute(ball{re: r, err: x.err}, exponent(r))
}

// power is x^n for an integer n.
func (a *arena) power(x ball, n int64) ball {
	if n < 0 {
		return a.inv(a.power(x, -n))
	}
	if n > 0 && n*int64(max(x.top(), 1-x.bottom(), 1)) > 3*maxBits && !x.mayBeZero() && (x.top() > 2 || x.bottom() < -1) || n > 1<<16 {
		return a.tooLarge()
	}
	z := a.int(1)
	for first := true; n > 0; n >>= 1 {
		if n&1 == 1 {
			if first {
				z, first = x, false
			} else {
				z = a.mul(z, x)
			}
		}
		if n > 1 {
			x = a.mul(x, x)
		}
	}
	return z
}

// pow is x^y, the principal value.
func (a *arena) pow(x, y ball) ball {
	if y.im == nil && y.err == exactly && y.re.IsInt() && exponent(y.re) < 20 {
		n, _ := y.re.Int64()
		if n == 0 && x.mayBeZero() {
			return a.undef()
		}
		return a.power(x, n)
	}
	x = a.snap(x)
	if x.exactZero() && y.im == nil && y.re.Sign() > 0 && !y.mayBeZero() {
		return x
	}
	return a.exp(a.mul(y, a.ln(x)))
}

// root is the n-th root of x; of a negative real number the real one where n is odd.
func (a *arena) root(x, n ball) ball {
	k, ok := a.integer(n)
	if !ok || k.Sign() <= 0 || k.BitLen() > 12 {
		return a.pow(x, a.inv(n))
	}
	if k.Int64() == 2 {
		return a.sqrt(x)
	}
	if x = a.snap(x); x.mayBeZero() {
		if x.exactZero() {
			return x
		}
		return ball{re: a.float(), err: (max(x.err, x.top()) + 2) / int(k.Int64())}
	}
	if x.im == nil && x.re.Sign() < 0 && k.Bit(0) == 1 {
		return a.neg(a.root(a.neg(x), n))
	}
	return a.exp(a.div(a.ln(x), a.rat(new(big.Rat).SetInt(k))))
}
