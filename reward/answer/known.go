package answer

import "math/big"

// function is the value of a known function.
func (a *arena) function(f string, x []ball) ball {
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
		return a.sub(a.shift(a.pi(), -1), a.arcsin(x[0]))
	case "arctan":
		return a.arctan(x[0])
	case "sinh", "cosh", "tanh":
		up, down := a.exp(x[0]), a.exp(a.neg(x[0]))
		switch f {
		case "sinh":
			return a.shift(a.sub(up, down), -1)
		case "cosh":
			return a.shift(a.add(up, down), -1)
		}
		return a.div(a.sub(up, down), a.add(up, down))
	case "arsinh":
		return a.ln(a.add(x[0], a.sqrt(a.add(a.mul(x[0], x[0]), a.int(1)))))
	case "arcosh":
		return a.ln(a.add(x[0], a.mul(a.sqrt(a.sub(x[0], a.int(1))), a.sqrt(a.add(x[0], a.int(1))))))
	case "artanh":
		return a.shift(a.sub(a.ln(a.add(a.int(1), x[0])), a.ln(a.sub(a.int(1), x[0]))), -1)
	case "abs":
		return a.abs(x[0])
	case "floor":
		return a.floor(x[0])
	case "ceil":
		return a.neg(a.floor(a.neg(x[0])))
	case "Re":
		return ball{re: x[0].re, err: x[0].err}
	case "Im":
		if x[0].im == nil {
			return a.int(0)
		}
		return ball{re: x[0].im, err: x[0].err}
	case "sgn":
		s := a.snap(x[0])
		if s.im != nil {
			return a.undef()
		}
		if s.mayBeZero() {
			return a.int(0)
		}
		return a.int(int64(s.re.Sign()))
	case "max", "min":
		return a.extreme(f, x)
	case "mod":
		if n, ok := a.integer(x[1]); !ok || n.Sign() <= 0 {
			return a.undef()
		}
		if _, ok := a.integer(x[0]); !ok {
			return a.undef()
		}
		return a.sub(x[0], a.mul(x[1], a.floor(a.div(x[0], x[1]))))
	case "gcd", "lcm":
		return a.divisors(f, x)
	case "binom":
		return a.binomial(x[0], x[1])
	}
	return a.undef()
}

func (a *arena) extreme(f string, x []ball) ball {
	best := a.snap(x[0])
	for _, y := range x[1:] {
		y = a.snap(y)
		if best.im != nil || y.im != nil {
			return a.undef()
		}
		if c := y.re.Cmp(best.re); c > 0 == (f == "max") && c != 0 {
			best = y
		}
	}
	return best
}

func (a *arena) divisors(f string, x []ball) ball {
	total := new(big.Int)
	for i, y := range x {
		n, ok := a.integer(y)
		if !ok {
			return a.undef()
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
		if total.BitLen() > maxBits {
			return a.tooLarge()
		}
	}
	return a.rat(new(big.Rat).SetInt(total))
}

// small is the integer 0..500 that x is.
func (a *arena) small(x ball) (int64, bool) {
	n, ok := a.integer(x)
	if !ok || n.Sign() < 0 {
		a.undefined = true
		return 0, false
	}
	if n.BitLen() > 16 || n.Int64() > 500 {
		a.large, a.undefined = true, true
		return 0, false
	}
	return n.Int64(), true
}

// factorial is x!, or x!! where step is 2.
func (a *arena) factorial(x ball, step int) ball {
	n, ok := a.small(x)
	if !ok {
		return a.undef()
	}
	p := big.NewInt(1)
	for k := n; k > 1; k -= int64(step) {
		p.Mul(p, big.NewInt(k))
	}
	a.budget.step(int(n) / 4)
	return a.rat(new(big.Rat).SetInt(p))
}

func (a *arena) binomial(x, y ball) ball {
	k, ok := a.small(y)
	if !ok {
		return a.undef()
	}
	if n, ok := a.integer(x); ok && n.Sign() >= 0 && n.BitLen() < 12 {
		a.budget.step(int(min(k, n.Int64())) / 4)
		return a.rat(new(big.Rat).SetInt(new(big.Int).Binomial(n.Int64(), k)))
	}
	z := a.int(1)
	for i := int64(0); i < k && !a.budget.over; i++ {
		z = a.div(a.mul(z, a.sub(x, a.int(i))), a.int(i+1))
		if z.exactZero() {
			break
		}
	}
	return z
}
