package answer

import (
	"hash/maphash"
	"math/big"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// seed makes the random points of this process. Nobody can write an expression that equals
// another one only at these points.
var seed = maphash.MakeSeed()

// An evaluator computes the values of expressions at one point: its variables have
// values there.
type evaluator struct {
	ball.Arena
	c        *checker
	point    int
	integers bool // variables are integers
	vars     []string
	vague    bool // more precision is needed to tell
}

// random returns a random number for a name and a point.
func random(name string, point int) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(name)
	h.WriteByte(byte(point))
	return h.Sum64()
}

// Numbers of points at which expressions are compared. Those with branches, such as |x|, are
// compared at more: at each combination of signs, at small values and at large ones.
const (
	plainPoints  = 4
	branchPoints = 8
	largePoints  = 12 // from branchPoints on values are large, where that is possible
)

// value returns the value of a variable: a real number in (-3, 3), or an integer from 6 on.
// The number of the point decides its sign and size, or its parity, so that all
// combinations occur; the rest is random.
func (e *evaluator) value(name string) ball.Ball {
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
		return e.Int(int64(6 + r>>8%27*2 + bit))
	}
	f := float64(r>>11) / (1 << 53)
	switch {
	case e.point < branchPoints:
		f = (f + float64((e.point+e.point/2+j)%4)) * 0.75
	case e.point < largePoints:
		if e.point%4 < 2 {
			f = 23 + 20*f // so that x+20 surely has both signs
		} else {
			f = 3 + 1000*f
		}
	default:
		f *= 3
	}
	if bit == 1 {
		f = -f
	}
	return ball.Ball{Re: e.Float().SetFloat64(f), Err: ball.Exact}
}

// An index is the bound variable of a sum.
type index struct {
	name  string
	value ball.Ball
	outer *index
}

// eval returns the value of n.
func (e *evaluator) eval(n *latex.Node, env *index) ball.Ball {
	if e.c.Step(1); e.c.Over || e.Undefined {
		return e.Undef()
	}
	switch n.Op {
	case latex.OpNum:
		if n.Rat == nil {
			return e.TooLarge()
		}
		return e.Rat(n.Rat)
	case latex.OpName:
		for b := env; b != nil; b = b.outer {
			if b.name == n.Text {
				return b.value
			}
		}
		return e.value(n.Text)
	case latex.OpPi:
		return e.Pi()
	case latex.OpE:
		return e.Exp(e.Int(1))
	case latex.OpI:
		return ball.Ball{Re: e.Float(), Im: e.Float().SetInt64(1), Err: ball.Exact}
	case latex.OpAdd:
		sum := e.eval(n.Kids[0], env)
		for _, k := range n.Kids[1:] {
			sum = e.Add(sum, e.eval(k, env))
		}
		return sum
	case latex.OpMul:
		product := e.eval(n.Kids[0], env)
		for _, k := range n.Kids[1:] {
			product = e.Mul(product, e.eval(k, env))
		}
		return product
	case latex.OpDiv:
		x, y := e.eval(n.Kids[0], env), e.eval(n.Kids[1], env)
		if e.Undefined {
			return x
		}
		return e.Div(x, y)
	case latex.OpNeg:
		return e.Neg(e.eval(n.Kids[0], env))
	case latex.OpPercent:
		return e.Div(e.eval(n.Kids[0], env), e.Int(100))
	case latex.OpPow:
		return e.evalPow(n, env)
	case latex.OpFact:
		return e.Factorial(e.eval(n.Kids[0], env), len(n.Text))
	case latex.OpSum:
		return e.series(n, env)
	case latex.OpFunc, latex.OpCall:
		args := make([]ball.Ball, len(n.Kids))
		for i, k := range n.Kids {
			args[i] = e.eval(k, env)
		}
		if e.Undefined || e.c.Over {
			return e.Undef()
		}
		if n.Op == latex.OpCall {
			return e.call(n.Text, args)
		}
		return e.Function(n.Text, args)
	}
	return e.Undef()
}

// evalPow returns the value of a power. e^y needs no logarithm, and an odd root of a
// variable is real.
func (e *evaluator) evalPow(n *latex.Node, env *index) ball.Ball {
	base, exp := n.Kids[0], n.Kids[1]
	y := e.eval(exp, env)
	if e.Undefined || e.c.Over {
		return e.Undef()
	}
	if base.Op == latex.OpE && !(y.Im == nil && y.Err == ball.Exact && y.Re.IsInt()) {
		return e.Exp(y)
	}
	x := e.eval(base, env)
	if e.Undefined || e.c.Over {
		return e.Undef()
	}
	if r, st := e.c.rat(exp); st == known && !r.IsInt() {
		if r.Denom().Cmp(big.NewInt(2)) == 0 && r.Num().BitLen() < 16 { // a square root
			return e.Power(e.Sqrt(x), r.Num().Int64())
		}
		if r.Denom().Bit(0) == 1 && len(base.Names(nil)) > 0 {
			if x = e.Snap(x); x.Im == nil && x.Re.Sign() < 0 && !x.MayBeZero() {
				z := e.Pow(e.Neg(x), y)
				if r.Num().Bit(0) == 1 {
					z = e.Neg(z)
				}
				return z
			}
		}
	}
	return e.Pow(x, y)
}

// series returns the value of a sum or a product of at most 1000 terms.
func (e *evaluator) series(n *latex.Node, env *index) ball.Ball {
	from, ok1 := e.Integer(e.eval(n.Kids[1], env))
	to, ok2 := e.Integer(e.eval(n.Kids[2], env))
	if !ok1 || !ok2 || e.Undefined || from.BitLen() > 40 || to.BitLen() > 40 {
		return e.Undef()
	}
	low, high := from.Int64(), to.Int64()
	if high-low >= 1000 || e.c.series > 2 {
		return e.TooLarge()
	}
	e.c.series++
	defer func() { e.c.series-- }()
	total := e.Int(0)
	if n.Text == "prod" {
		total = e.Int(1)
	}
	for k := low; k <= high && !e.c.Over && !e.Undefined; k++ {
		term := e.eval(n.Kids[3], &index{n.Kids[0].Text, e.Int(k), env})
		if n.Text == "prod" {
			total = e.Mul(total, term)
		} else {
			total = e.Add(total, term)
		}
	}
	return total
}

// call returns the value of an undefined function: a random polynomial of its arguments.
func (e *evaluator) call(name string, args []ball.Ball) ball.Ball {
	sum := e.Int(0)
	for i, x := range args {
		p := e.Int(0)
		for d := 0; d <= 6; d++ {
			c := int64(random(name, 200+8*i+d)>>40) + 1
			p = e.Add(e.Mul(p, x), e.Shift(e.Int(c), -24))
		}
		sum = e.Add(e.Mul(sum, sum), e.Mul(p, e.Add(p, e.Int(int64(i)))))
	}
	return sum
}
