package answer

import (
	"hash/maphash"
	"math/big"
)

// seed makes the random points of this process: no policy can write an expression
// that is wrong everywhere but there.
var seed = maphash.MakeSeed()

// random is a random number that belongs to a name and a point.
func random(name string, point int) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(name)
	h.WriteByte(byte(point))
	return h.Sum64()
}

// Points at which expressions are compared. Those with branches, such as |x|, are
// compared at more: at each combination of signs, at small values and at large ones.
const (
	plainPoints  = 4
	branchPoints = 8
	largePoints  = 12 // from branchPoints on values are large, where that is possible
)

// value is the value of a variable: a real number in (-3, 3), or an integer from 6
// on. Its sign and size, or its parity, go by the number of the point, so that none
// is left to chance; the rest is random.
func (a *arena) value(name string) ball {
	r := random(name, a.point)
	j := 0
	for j < len(a.vars)-1 && a.vars[j] != name {
		j++
	}
	bit := uint64(a.point) >> (j % 3) & 1
	if j > 2 {
		bit ^= r & 1
	}
	if a.integers {
		return a.int(int64(6 + r>>8%27*2 + bit))
	}
	f := float64(r>>11) / (1 << 53)
	switch {
	case a.point < branchPoints:
		f = (f + float64((a.point+a.point/2+j)%4)) * 0.75
	case a.point < largePoints:
		f = 3 + f*[2]float64{40, 1000}[a.point%4/2]
	default:
		f *= 3
	}
	if bit == 1 {
		f = -f
	}
	return ball{re: a.float().SetFloat64(f), err: exactly}
}

// An index is a bound variable of a sum.
type index struct {
	name  string
	value ball
	outer *index
}

// eval is the value of n.
func (a *arena) eval(n *node, env *index) ball {
	if a.c.step(1); a.c.over || a.undefined {
		return a.undef()
	}
	switch n.op {
	case opNum:
		if n.rat == nil {
			return a.tooLarge()
		}
		return a.rat(n.rat)
	case opName:
		for e := env; e != nil; e = e.outer {
			if e.name == n.text {
				return e.value
			}
		}
		return a.value(n.text)
	case opPi:
		return a.pi()
	case opE:
		return a.exp(a.int(1))
	case opI:
		return ball{re: a.float(), im: a.float().SetInt64(1), err: exactly}
	case opAdd:
		sum := a.eval(n.kids[0], env)
		for _, k := range n.kids[1:] {
			sum = a.add(sum, a.eval(k, env))
		}
		return sum
	case opMul:
		product := a.eval(n.kids[0], env)
		for _, k := range n.kids[1:] {
			product = a.mul(product, a.eval(k, env))
		}
		return product
	case opDiv:
		x, y := a.eval(n.kids[0], env), a.eval(n.kids[1], env)
		if a.undefined {
			return x
		}
		return a.div(x, y)
	case opNeg:
		return a.neg(a.eval(n.kids[0], env))
	case opPercent:
		return a.div(a.eval(n.kids[0], env), a.int(100))
	case opPow:
		return a.evalPow(n, env)
	case opFact:
		return a.factorial(a.eval(n.kids[0], env), len(n.text))
	case opSum:
		return a.series(n, env)
	case opFunc, opCall:
		args := make([]ball, len(n.kids))
		for i, k := range n.kids {
			args[i] = a.eval(k, env)
		}
		if a.undefined || a.c.over {
			return a.undef()
		}
		if n.op == opCall {
			return a.call(n.text, args)
		}
		return a.function(n.text, args)
	}
	return a.undef()
}

// evalPow is a power. e^y needs no logarithm, and an odd root of a variable is real.
func (a *arena) evalPow(n *node, env *index) ball {
	base, exp := n.kids[0], n.kids[1]
	y := a.eval(exp, env)
	if a.undefined || a.c.over {
		return a.undef()
	}
	if base.op == opE && !(y.im == nil && y.err == exactly && y.re.IsInt()) {
		return a.exp(y)
	}
	x := a.eval(base, env)
	if a.undefined || a.c.over {
		return a.undef()
	}
	if r, st := a.c.rat(exp); st == known && !r.IsInt() {
		if r.Denom().Cmp(big.NewInt(2)) == 0 && r.Num().BitLen() < 16 { // a square root
			return a.power(a.sqrt(x), r.Num().Int64())
		}
		if r.Denom().Bit(0) == 1 && len(base.names(nil)) > 0 {
			if x = a.snap(x); x.im == nil && x.re.Sign() < 0 && !x.mayBeZero() {
				z := a.pow(a.neg(x), y)
				if r.Num().Bit(0) == 1 {
					z = a.neg(z)
				}
				return z
			}
		}
	}
	return a.pow(x, y)
}

// series is a sum or product of at most a thousand terms.
func (a *arena) series(n *node, env *index) ball {
	from, ok1 := a.integer(a.eval(n.kids[1], env))
	to, ok2 := a.integer(a.eval(n.kids[2], env))
	if !ok1 || !ok2 || a.undefined || from.BitLen() > 40 || to.BitLen() > 40 {
		return a.undef()
	}
	low, high := from.Int64(), to.Int64()
	if high-low >= 1000 || a.c.series > 2 {
		return a.tooLarge()
	}
	a.c.series++
	defer func() { a.c.series-- }()
	total := a.int(0)
	if n.text == "prod" {
		total = a.int(1)
	}
	for k := low; k <= high && !a.c.over && !a.undefined; k++ {
		term := a.eval(n.kids[3], &index{n.kids[0].text, a.int(k), env})
		if n.text == "prod" {
			total = a.mul(total, term)
		} else {
			total = a.add(total, term)
		}
	}
	return total
}

// call is an undefined function: a random polynomial of its arguments.
func (a *arena) call(name string, args []ball) ball {
	sum := a.int(0)
	for i, x := range args {
		p := a.int(0)
		for d := 0; d <= 6; d++ {
			c := int64(random(name, 200+8*i+d)>>40) + 1
			p = a.add(a.mul(p, x), a.shift(a.int(c), -24))
		}
		sum = a.add(a.mul(sum, sum), a.mul(p, a.add(p, a.int(int64(i)))))
	}
	return sum
}
