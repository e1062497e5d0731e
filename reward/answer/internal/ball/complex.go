package ball

import "math/big"

// absolute adds an absolute error of a few units in the last place of a number below 2^e.
func (a *Arena) absolute(x Ball, e int) Ball {
	x.Err = plus(x.Err, e+6-int(a.Prec))
	return a.done(x, true)
}

// Sqrt returns the principal square root of x.
func (a *Arena) Sqrt(x Ball) Ball {
	x = a.Snap(x)
	if x.exactZero() {
		return x
	}
	if x.MayBeZero() {
		return Ball{Re: a.Float(), Err: (max(x.Err, x.Top()) + 2) / 2}
	}
	z := Ball{Err: Exact}
	if x.Err != Exact {
		z.Err = x.Err - (x.bottom()-1)/2 + 1
	}
	if x.Im == nil {
		if x.Re.Sign() > 0 {
			z.Re = a.Float().Sqrt(x.Re)
			return a.done(z, true) // Sqrt does not report whether it rounded
		}
		z.Re, z.Im = a.Float(), a.Float().Sqrt(a.Float().Neg(x.Re))
		return a.done(z, true)
	}
	r := a.Float().Mul(x.Re, x.Re)
	r.Add(r, a.Float().Mul(x.Im, x.Im)).Sqrt(r)
	t := a.Float().Abs(x.Re)
	t.Add(t, r)
	t.SetMantExp(t, -1)
	t.Sqrt(t)
	u := a.Float().Abs(x.Im)
	u.SetMantExp(u, -1)
	u.Quo(u, t)
	if x.Re.Sign() < 0 {
		t, u = u, t
	}
	if x.Im.Sign() < 0 {
		u.Neg(u)
	}
	z.Re, z.Im = t, u
	return a.absolute(z, z.Top())
}

// Exp returns e^x.
func (a *Arena) Exp(x Ball) Ball {
	if x.exactZero() {
		return a.Int(1)
	}
	if exponent(x.Re) > 13 || x.Err > 0 {
		return a.TooLarge()
	}
	if !a.work() {
		return a.Undef()
	}
	r := a.expReal(x.Re)
	z := Ball{Re: r, Err: Exact}
	if x.Err != Exact {
		z.Err = x.Err + exponent(r) + 2
	}
	if x.Im != nil {
		if exponent(x.Im) > 64 {
			return a.TooLarge()
		}
		s, c := a.sinCos(x.Im)
		z.Re, z.Im = a.Float().Mul(r, c), a.Float().Mul(r, s)
	}
	return a.absolute(z, exponent(r))
}

// ln returns the principal logarithm of x.
func (a *Arena) ln(x Ball) Ball {
	x = a.Snap(x)
	if x.MayBeZero() {
		return a.Undef()
	}
	for range 2 { // as much work as two exponentials
		if !a.work() {
			return a.Undef()
		}
	}
	z := Ball{Err: Exact}
	if x.Err != Exact {
		z.Err = x.Err - x.bottom() + 2
	}
	if x.Im == nil {
		if x.Err == Exact && x.Re.Cmp(big.NewFloat(1)) == 0 {
			return a.Int(0)
		}
		z.Re = a.lnReal(a.Float().Abs(x.Re))
		if x.Re.Sign() < 0 {
			z.Im = a.Pi().Re
		}
	} else {
		r := a.Float().Mul(x.Re, x.Re)
		r.Add(r, a.Float().Mul(x.Im, x.Im))
		z.Re = a.lnReal(r)
		z.Re.SetMantExp(z.Re, -1)
		z.Im = a.angle(x.Im, x.Re)
	}
	return a.absolute(z, max(z.Top(), 4))
}

// sinCosOf returns sin x and cos x.
func (a *Arena) sinCosOf(x Ball) (sin, cos Ball) {
	x = a.Snap(x)
	if exponent(x.Re) > 64 || x.Err > -8 {
		z := a.TooLarge()
		return z, z
	}
	if x.exactZero() {
		return a.Int(0), a.Int(1)
	}
	if !a.work() {
		z := a.Undef()
		return z, z
	}
	s, c := a.sinCos(x.Re)
	err := x.Err
	if x.Im == nil {
		return a.absolute(Ball{Re: s, Err: err}, 1), a.absolute(Ball{Re: c, Err: err}, 1)
	}
	y := Ball{Re: x.Im, Err: x.Err}
	up := a.Exp(y)
	down := a.Exp(a.Neg(y))
	cosh, sinh := a.Shift(a.Add(up, down), -1), a.Shift(a.Sub(up, down), -1)
	sr := a.absolute(Ball{Re: s, Err: err}, 1)
	cr := a.absolute(Ball{Re: c, Err: err}, 1)
	return a.Add(a.Mul(sr, cosh), a.times(a.Mul(cr, sinh))), a.Sub(a.Mul(cr, cosh), a.times(a.Mul(sr, sinh)))
}

// times returns i·x.
func (a *Arena) times(x Ball) Ball {
	return a.Mul(x, Ball{Re: a.Float(), Im: a.Float().SetInt64(1), Err: Exact})
}

// arctan2 returns the angle of the real point (x, y).
func (a *Arena) arctan2(y, x Ball) Ball {
	if !a.work() {
		return a.Undef()
	}
	err := plus(x.Err, y.Err)
	if err != Exact {
		err -= max(exponent(x.Re), exponent(y.Re)) - 2
	}
	return a.absolute(Ball{Re: a.angle(y.Re, x.Re), Err: err}, 2)
}

// arctan returns the arc tangent of x.
func (a *Arena) arctan(x Ball) Ball {
	if x = a.Snap(x); x.Im == nil {
		if x.exactZero() {
			return x
		}
		return a.arctan2(x, a.Int(1))
	}
	ix := a.times(x)
	d := a.Sub(a.ln(a.Sub(a.Int(1), ix)), a.ln(a.Add(a.Int(1), ix)))
	return a.Shift(a.times(d), -1)
}

// arcsin returns the arc sine of x.
func (a *Arena) arcsin(x Ball) Ball {
	x = a.Snap(x)
	root := a.Sqrt(a.Sub(a.Int(1), a.Mul(x, x)))
	if x.Im == nil && root.Im == nil {
		return a.arctan2(x, root)
	}
	return a.Neg(a.times(a.ln(a.Add(a.times(x), root))))
}

// abs returns |x|.
func (a *Arena) abs(x Ball) Ball {
	if x = a.Snap(x); x.Im == nil {
		return Ball{Re: a.Float().Abs(x.Re), Err: x.Err}
	}
	if x.Re.Sign() == 0 {
		return Ball{Re: a.Float().Abs(x.Im), Err: x.Err}
	}
	r := a.Float().Mul(x.Re, x.Re)
	r.Add(r, a.Float().Mul(x.Im, x.Im)).Sqrt(r)
	return a.absolute(Ball{Re: r, Err: x.Err}, exponent(r))
}

// Power returns x^n.
func (a *Arena) Power(x Ball, n int64) Ball {
	if n < 0 {
		return a.inv(a.Power(x, -n))
	}
	if n > 0 && n*int64(max(x.Top(), 1-x.bottom(), 1)) > 3*MaxBits && !x.MayBeZero() && (x.Top() > 2 || x.bottom() < -1) || n > 1<<16 {
		return a.TooLarge()
	}
	z := a.Int(1)
	for first := true; n > 0; n >>= 1 {
		if n&1 == 1 {
			if first {
				z, first = x, false
			} else {
				z = a.Mul(z, x)
			}
		}
		if n > 1 {
			x = a.Mul(x, x)
		}
	}
	return z
}

// Pow returns the principal value of x^y.
func (a *Arena) Pow(x, y Ball) Ball {
	if y.Im == nil && y.Err == Exact && y.Re.IsInt() && exponent(y.Re) < 20 {
		n, _ := y.Re.Int64()
		if n == 0 && x.MayBeZero() {
			return a.Undef()
		}
		return a.Power(x, n)
	}
	x = a.Snap(x)
	if x.exactZero() && y.Im == nil && y.Re.Sign() > 0 && !y.MayBeZero() {
		return x
	}
	return a.Exp(a.Mul(y, a.ln(x)))
}

// root returns the n-th root of x. An odd root of a negative real number is real.
func (a *Arena) root(x, n Ball) Ball {
	k, ok := a.Integer(n)
	if !ok || k.Sign() <= 0 || k.BitLen() > 12 {
		return a.Pow(x, a.inv(n))
	}
	if k.Int64() == 2 {
		return a.Sqrt(x)
	}
	if x = a.Snap(x); x.MayBeZero() {
		if x.exactZero() {
			return x
		}
		return Ball{Re: a.Float(), Err: (max(x.Err, x.Top()) + 2) / int(k.Int64())}
	}
	if x.Im == nil && x.Re.Sign() < 0 && k.Bit(0) == 1 {
		return a.Neg(a.root(a.Neg(x), n))
	}
	return a.Exp(a.Div(a.ln(x), a.Rat(new(big.Rat).SetInt(k))))
}
