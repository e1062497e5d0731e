package answer

import (
	"hash/maphash"
	"math/big"
)

// seed makes the random points of this process: no policy can write an expression
// that is wrong everywhere but there.
var seed = maphash.MakeSeed()

// An evaluator computes the values of expressions at one point: its variables have
// values there.
type evaluator struct {
	arena
	c        *checker
	point    int
	integers bool // variables are integers
	vars     []string
	vague    bool // more precision is needed to tell
}

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
func (e *evaluator) value(name string) ball {
	r := random(name, e.point)
	j := 0
	for j < len(e.vars)-1 && e.vars[j] != name {
		j++
	}
	bit := uint64(e.point) >> (j % 3) & 1
	if j > 2 {
		bit ^= r & 1
	}
	if e.integers {
		return e.int(int64(6 + r>>8%27*2 + bit))
	}
	f := float64(r>>11) / (1 << 53)
	switch {
	case e.point < branchPoints:
		f = (f + float64((e.point+e.point/2+j)%4)) * 0.75
	case e.point < largePoints:
		f = 3 + f*[2]float64{40, 1000}[e.point%4/2]
	default:
		f *= 3
	}
	if bit == 1 {
		f = -f
	}
	return ball{re: e.float().SetFloat64(f), err: exactly}
}

// An index is a bound variable of a sum.
type index struct {
	name  string
	value ball
	outer *index
}

// eval is the value of n.
func (e *evaluator) eval(n *node, env *index) ball {
	if e.c.step(1); e.c.over || e.undefined {
		return e.undef()
	}
	switch n.op {
	case opNum:
		if n.rat == nil {
			return e.tooLarge()
		}
		return e.rat(n.rat)
	case opName:
		for b := env; b != nil; b = b.outer {
			if b.name == n.text {
				return b.value
			}
		}
		return e.value(n.text)
	case opPi:
		return e.pi()
	case opE:
		return e.exp(e.int(1))
	case opI:
		return ball{re: e.float(), im: e.float().SetInt64(1), err: exactly}
	case opAdd:
		sum := e.eval(n.kids[0], env)
		for _, k := range n.kids[1:] {
			sum = e.add(sum, e.eval(k, env))
		}
		return sum
	case opMul:
		product := e.eval(n.kids[0], env)
		for _, k := range n.kids[1:] {
			product = e.mul(product, e.eval(k, env))
		}
		return product
	case opDiv:
		x, y := e.eval(n.kids[0], env), e.eval(n.kids[1], env)
		if e.undefined {
			return x
		}
		return e.div(x, y)
	case opNeg:
		return e.neg(e.eval(n.kids[0], env))
	case opPercent:
		return e.div(e.eval(n.kids[0], env), e.int(100))
	case opPow:
		return e.evalPow(n, env)
	case opFact:
		return e.factorial(e.eval(n.kids[0], env), len(n.text))
	case opSum:
		return e.series(n, env)
	case opFunc, opCall:
		args := make([]ball, len(n.kids))
		for i, k := range n.kids {
			args[i] = e.eval(k, env)
		}
		if e.undefined || e.c.over {
			return e.undef()
		}
		if n.op == opCall {
			return e.call(n.text, args)
		}
		return e.function(n.text, args)
	}
	return e.undef()
}

// evalPow is a power. e^y needs no logarithm, and an odd root of a variable is real.
func (e *evaluator) evalPow(n *node, env *index) ball {
	base, exp := n.kids[0], n.kids[1]
	y := e.eval(exp, env)
	if e.undefined || e.c.over {
		return e.undef()
	}
	if base.op == opE && !(y.im == nil && y.err == exactly && y.re.IsInt()) {
		return e.exp(y)
	}
	x := e.eval(base, env)
	if e.undefined || e.c.over {
		return e.undef()
	}
	if r, st := e.c.rat(exp); st == known && !r.IsInt() {
		if r.Denom().Cmp(big.NewInt(2)) == 0 && r.Num().BitLen() < 16 { // a square root
			return e.power(e.sqrt(x), r.Num().Int64())
		}
		if r.Denom().Bit(0) == 1 && len(base.names(nil)) > 0 {
			if x = e.snap(x); x.im == nil && x.re.Sign() < 0 && !x.mayBeZero() {
				z := e.pow(e.neg(x), y)
				if r.Num().Bit(0) == 1 {
					z = e.neg(z)
				}
				return z
			}
		}
	}
	return e.pow(x, y)
}

// series is a sum or product of at most a thousand terms.
func (e *evaluator) series(n *node, env *index) ball {
	from, ok1 := e.integer(e.eval(n.kids[1], env))
	to, ok2 := e.integer(e.eval(n.kids[2], env))
	if !ok1 || !ok2 || e.undefined || from.BitLen() > 40 || to.BitLen() > 40 {
		return e.undef()
	}
	low, high := from.Int64(), to.Int64()
	if high-low >= 1000 || e.c.series > 2 {
		return e.tooLarge()
	}
	e.c.series++
	defer func() { e.c.series-- }()
	total := e.int(0)
	if n.text == "prod" {
		total = e.int(1)
	}
	for k := low; k <= high && !e.c.over && !e.undefined; k++ {
		term := e.eval(n.kids[3], &index{n.kids[0].text, e.int(k), env})
		if n.text == "prod" {
			total = e.mul(total, term)
		} else {
			total = e.add(total, term)
		}
	}
	return total
}

// call is an undefined function: a random polynomial of its arguments.
func (e *evaluator) call(name string, args []ball) ball {
	sum := e.int(0)
	for i, x := range args {
		p := e.int(0)
		for d := 0; d <= 6; d++ {
			c := int64(random(name, 200+8*i+d)>>40) + 1
			p = e.add(e.mul(p, x), e.shift(e.int(c), -24))
		}
		sum = e.add(e.mul(sum, sum), e.mul(p, e.add(p, e.int(int64(i)))))
	}
	return sum
}
