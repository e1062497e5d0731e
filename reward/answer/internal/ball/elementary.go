package ball

import (
	"math"
	"math/big"
	"sync"
)

// Precisions are the precisions to compute with, in bits. Each is tried when the one before
// was not high enough.
var Precisions = [...]uint{384, 768, 1536, 3072, 6144, 12288}

// A constants holds π and ln 2 to one precision.
type constants struct{ pi, ln2 *big.Float }

// constantsAt holds the constants of each precision, computed once.
var constantsAt = func() map[uint]func() constants {
	m := map[uint]func() constants{}
	for _, prec := range Precisions {
		m[prec] = sync.OnceValue(func() constants { return makeConstants(prec + 128) })
	}
	return m
}()

// makeConstants computes π by Machin's formula and ln 2 by a similar one, in integers.
func makeConstants(prec uint) constants {
	bits := prec + 64
	series := func(factor, x int64, alternate bool) *big.Int { // factor·atan(1/x) or factor·atanh(1/x)
		power := new(big.Int).Lsh(big.NewInt(factor), bits)
		power.Quo(power, big.NewInt(x))
		sum, square := new(big.Int), big.NewInt(x*x)
		for k, t := int64(1), new(big.Int); power.Sign() != 0; k += 2 {
			t.Quo(power, big.NewInt(k))
			if alternate && k%4 == 3 {
				sum.Sub(sum, t)
			} else {
				sum.Add(sum, t)
			}
			power.Quo(power, square)
		}
		return sum
	}
	float := func(n *big.Int) *big.Float {
		f := new(big.Float).SetPrec(prec).SetInt(n)
		return f.SetMantExp(f, -int(bits))
	}
	pi := series(16, 5, true)
	pi.Sub(pi, series(4, 239, true))
	ln2 := series(18, 26, false)
	ln2.Sub(ln2, series(2, 4801, false)).Add(ln2, series(8, 8749, false))
	return constants{float(pi), float(ln2)}
}

// Pi returns π.
func (a *Arena) Pi() Ball {
	return a.done(Ball{Re: a.Float().Set(constantsAt[a.Prec]().pi), Err: Exact}, true)
}

// work charges the budget for one transcendental function, and reports whether it may be
// computed.
func (a *Arena) work() bool {
	n := int(a.Prec) / 384
	a.Budget.Step(60 * n * (n + 7) / 8)
	return !a.Budget.Over
}

// expReal returns e^x for |x| < 2^13, to the arena's precision.
func (a *Arena) expReal(x *big.Float) *big.Float {
	k := a.constants()
	prec := a.Prec + 64
	f, _ := new(big.Float).Quo(x, k.ln2).Float64()
	n := int(math.Round(f))
	r := new(big.Float).SetPrec(prec).Mul(k.ln2, big.NewFloat(float64(n)))
	r.Sub(x, r)
	halvings := 12 + int(a.Prec)/256
	r.SetMantExp(r, -halvings)
	sum := new(big.Float).SetPrec(prec).SetInt64(1)
	term := new(big.Float).SetPrec(prec).SetInt64(1)
	d := new(big.Float).SetPrec(64)
	for i := int64(1); i < 4000; i++ {
		term.Mul(term, r)
		term.Quo(term, d.SetInt64(i))
		if term.Sign() == 0 || term.MantExp(nil) < -int(prec) {
			break
		}
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return a.Float().Set(sum.SetMantExp(sum, n))
}

// constants returns the constants of the arena's precision.
func (a *Arena) constants() constants { return constantsAt[a.Prec]() }

// sinCos returns sin x and cos x for |x| < 2^64.
func (a *Arena) sinCos(x *big.Float) (sin, cos *big.Float) {
	prec := a.Prec + 128
	quarter := new(big.Float).SetMantExp(a.constants().pi, -1)
	q := new(big.Float).SetPrec(prec).Quo(x, quarter)
	half := big.NewFloat(0.5)
	if q.Sign() < 0 {
		half.Neg(half)
	}
	n, _ := q.Add(q, half).Int(nil)
	r := new(big.Float).SetPrec(prec).SetInt(n)
	r.Sub(x, r.Mul(r, quarter))
	halvings := 8 + int(a.Prec)/256
	r.SetMantExp(r, -halvings)
	square := new(big.Float).SetPrec(prec).Mul(r, r)
	// versin = 1 − cos keeps its digits where the angle is small
	s, v := new(big.Float).SetPrec(prec).Set(r), new(big.Float).SetPrec(prec)
	term := new(big.Float).SetPrec(prec).Set(r)
	other := new(big.Float).SetPrec(prec).SetInt64(-1)
	d := new(big.Float).SetPrec(64)
	for i := int64(1); i < 4000; i += 2 {
		other.Mul(other, square)
		other.Quo(other, d.SetInt64(-i*(i+1)))
		term.Mul(term, square)
		term.Quo(term, d.SetInt64(-(i+1)*(i+2)))
		if other.Sign() == 0 || other.MantExp(nil) < -int(prec)-2*halvings {
			break
		}
		v.Add(v, other)
		s.Add(s, term)
	}
	one := new(big.Float).SetPrec(prec).SetInt64(1)
	two := new(big.Float).SetPrec(prec).SetInt64(2)
	c := new(big.Float).SetPrec(prec)
	for range halvings { // sin 2r = 2 sin r (1 − v), versin 2r = 2 v (2 − v)
		c.Sub(one, v)
		s.Mul(s, c)
		s.SetMantExp(s, 1)
		c.Sub(two, v)
		v.Mul(v, c)
		v.SetMantExp(v, 1)
	}
	c.Sub(one, v)
	switch new(big.Int).And(n, big.NewInt(3)).Int64() {
	case 1:
		s, c = c, s.Neg(s)
	case 2:
		s.Neg(s)
		c.Neg(c)
	case 3:
		s, c = c.Neg(c), s
	}
	return a.Float().Set(s), a.Float().Set(c)
}

// lnReal returns ln x for x > 0.
func (a *Arena) lnReal(x *big.Float) *big.Float {
	m := new(big.Float)
	e := x.MantExp(m)
	f, _ := m.Float64()
	prec := a.Prec + 64
	y := new(big.Float).SetPrec(prec).SetFloat64(math.Log(f))
	for bits := 50; bits < int(a.Prec)+32; bits *= 3 { // Halley's rule
		t := new(big.Float).SetPrec(prec).Set(a.expReal(y))
		sum := new(big.Float).SetPrec(prec).Add(m, t)
		t.Sub(m, t)
		t.Quo(t, sum)
		y.Add(y, t.Add(t, t))
	}
	y.Add(y, new(big.Float).SetPrec(prec).Mul(a.constants().ln2, big.NewFloat(float64(e))))
	return a.Float().Set(y)
}

// angle returns the angle of the point (x, y), which is not the origin.
func (a *Arena) angle(y, x *big.Float) *big.Float {
	prec := a.Prec + 64
	float := func() *big.Float { return new(big.Float).SetPrec(prec) }
	r := float().Mul(x, x)
	r.Add(r, float().Mul(y, y)).Sqrt(r)
	c, s := float().Quo(x, r), float().Quo(y, r)
	cf, _ := c.Float64()
	sf, _ := s.Float64()
	theta := float().SetFloat64(math.Atan2(sf, cf))
	for bits := 48; bits < int(a.Prec)+32; bits *= 5 {
		sin, cos := a.sinCos(theta)
		w := float().Mul(s, cos)
		w.Sub(w, float().Mul(c, sin))
		cube := float().Mul(w, w)
		cube.Mul(cube, w).Quo(cube, big.NewFloat(6))
		theta.Add(theta, w.Add(w, cube))
	}
	return a.Float().Set(theta)
}
