package ball

import "math/big"

// Function returns the value of the function with the name f: sin, ln, gcd and others that
// package latex knows.
func (a *Arena) Function(f string, x []Ball) Ball {
	switch f {
	case "sin":
		s, _ := a.sinCosOf(x[0])
		return s
	case "cos":
		_, c := a.sinCosOf(x[0])
		return c
	case "ln":
		return a.ln(x[0])
	case "root":
		return a.root(x[0], x[1])
	case "arcsin":
		return a.arcsin(x[0])
	case "arccos":
		return a.Sub(a.Shift(a.Pi(), -1), a.arcsin(x[0]))
	case "arctan":
		return a.arctan(x[0])
	case "sinh", "cosh", "tanh":
		up, down := a.Exp(x[0]), a.Exp(a.Neg(x[0]))
		switch f {
		case "sinh":
			return a.Shift(a.Sub(up, down), -1)
		case "cosh":
			return a.Shift(a.Add(up, down), -1)
		}
		return a.Div(a.Sub(up, down), a.Add(up, down))
	case "arsinh":
		return a.ln(a.Add(x[0], a.Sqrt(a.Add(a.Mul(x[0], x[0]), a.Int(1)))))
	case "arcosh":
		return a.ln(a.Add(x[0], a.Mul(a.Sqrt(a.Sub(x[0], a.Int(1))), a.Sqrt(a.Add(x[0], a.Int(1))))))
	case "artanh":
		return a.Shift(a.Sub(a.ln(a.Add(a.Int(1), x[0])), a.ln(a.Sub(a.Int(1), x[0]))), -1)
	case "abs":
		return a.abs(x[0])
	case "floor":
		return a.floor(x[0])
	case "ceil":
		return a.Neg(a.floor(a.Neg(x[0])))
	case "Re":
		return Ball{Re: x[0].Re, Err: x[0].Err}
	case "Im":
		if x[0].Im == nil {
			return a.Int(0)
		}
		return Ball{Re: x[0].Im, Err: x[0].Err}
	case "sgn":
		s := a.Snap(x[0])
		if s.Im != nil {
			return a.Undef()
		}
		if s.MayBeZero() {
			return a.Int(0)
		}
		return a.Int(int64(s.Re.Sign()))
	case "max", "min":
		return a.extreme(f, x)
	case "mod":
		if n, ok := a.Integer(x[1]); !ok || n.Sign() <= 0 {
			return a.Undef()
		}
		if _, ok := a.Integer(x[0]); !ok {
			return a.Undef()
		}
		return a.Sub(x[0], a.Mul(x[1], a.floor(a.Div(x[0], x[1]))))
	case "gcd", "lcm":
		return a.divisors(f, x)
	case "binom":
		return a.binomial(x[0], x[1])
	}
	return a.Undef()
}

// extreme returns the largest or the smallest of real numbers.
func (a *Arena) extreme(f string, x []Ball) Ball {
	best := a.Snap(x[0])
	for _, y := range x[1:] {
		y = a.Snap(y)
		if best.Im != nil || y.Im != nil {
			return a.Undef()
		}
		if c := y.Re.Cmp(best.Re); c > 0 == (f == "max") && c != 0 {
			best = y
		}
	}
	return best
}

// divisors returns the greatest common divisor or the least common multiple.
func (a *Arena) divisors(f string, x []Ball) Ball {
	total := new(big.Int)
	for i, y := range x {
		n, ok := a.Integer(y)
		if !ok {
			return a.Undef()
		}
		n.Abs(n)
		switch {
		case i == 0:
			total = n
		case f == "gcd":
			total = new(big.Int).GCD(nil, nil, total, n)
		case n.Sign() == 0 || total.Sign() == 0:
			total = new(big.Int)
		default:
			g := new(big.Int).GCD(nil, nil, total, n)
			total = new(big.Int).Mul(total, n.Quo(n, g))
		}
		if total.BitLen() > MaxBits {
			return a.TooLarge()
		}
	}
	return a.Rat(new(big.Rat).SetInt(total))
}

// small returns x if it is an integer from 0 to 500.
func (a *Arena) small(x Ball) (int64, bool) {
	n, ok := a.Integer(x)
	if !ok || n.Sign() < 0 {
		a.Undefined = true
		return 0, false
	}
	if n.BitLen() > 16 || n.Int64() > 500 {
		a.Large, a.Undefined = true, true
		return 0, false
	}
	return n.Int64(), true
}

// Factorial returns x!, or x!! if step is 2.
func (a *Arena) Factorial(x Ball, step int) Ball {
	n, ok := a.small(x)
	if !ok {
		return a.Undef()
	}
	p := big.NewInt(1)
	for k := n; k > 1; k -= int64(step) {
		p.Mul(p, big.NewInt(k))
	}
	a.Budget.Step(int(n) / 4)
	return a.Rat(new(big.Rat).SetInt(p))
}

// binomial returns x choose y.
func (a *Arena) binomial(x, y Ball) Ball {
	k, ok := a.small(y)
	if !ok {
		return a.Undef()
	}
	if n, ok := a.Integer(x); ok && n.Sign() >= 0 && n.BitLen() < 12 {
		a.Budget.Step(int(min(k, n.Int64())) / 4)
		return a.Rat(new(big.Rat).SetInt(new(big.Int).Binomial(n.Int64(), k)))
	}
	z := a.Int(1)
	for i := int64(0); i < k && !a.Budget.Over; i++ {
		z = a.Div(a.Mul(z, a.Sub(x, a.Int(i))), a.Int(i+1))
		if z.exactZero() {
			break
		}
	}
	return z
}
