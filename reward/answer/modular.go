package answer

import (
	"crypto/rand"
	"hash/maphash"
	"math/big"
	"math/bits"
	"sync"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// prime returns a random prime of 61 bits, drawn once in a process. Nobody can write
// expressions that are equal only modulo an unknown number.
var prime = sync.OnceValue(func() uint64 {
	if p, err := rand.Prime(rand.Reader, 61); err == nil {
		return p.Uint64()
	}
	return 1<<61 - 1
})

// A field evaluates rational functions modulo a prime, at random values of the variables.
type field struct {
	c     *checker
	p     uint64
	point int
}

func (f *field) mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, r := bits.Div64(hi, lo, f.p)
	return r
}

func (f *field) pow(x, e uint64) uint64 {
	z := uint64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			z = f.mul(z, x)
		}
		x = f.mul(x, x)
	}
	return z
}

// inv returns 1/x by Fermat's little theorem.
func (f *field) inv(x uint64) uint64 { return f.pow(x, f.p-2) }

// value returns the value of n. The state is undefined if a denominator is zero, and
// inexact if n is not a rational function.
func (f *field) value(n *latex.Node) (uint64, state) {
	if f.c.Step(1); f.c.Over {
		return 0, inexact
	}
	switch n.Op {
	case latex.OpNum:
		if n.Rat == nil {
			return 0, inexact
		}
		v := f.int(n.Rat.Num())
		if !n.Rat.IsInt() {
			v = f.mul(v, f.inv(f.int(n.Rat.Denom())))
		}
		return v, known
	case latex.OpName:
		return random(n.Text, f.point) % f.p, known
	case latex.OpNeg:
		v, st := f.value(n.Kids[0])
		return (f.p - v) % f.p, st
	case latex.OpAdd, latex.OpMul, latex.OpCall:
		return f.fold(n)
	case latex.OpDiv:
		x, st := f.value(n.Kids[0])
		if st != known {
			return 0, st
		}
		y, st := f.value(n.Kids[1])
		if st != known {
			return 0, st
		}
		if y == 0 {
			return 0, undefined
		}
		return f.mul(x, f.inv(y)), known
	case latex.OpPow:
		e := n.Kids[1]
		negative := e.Op == latex.OpNeg
		if negative {
			e = e.Kids[0]
		}
		if e.Op != latex.OpNum || e.Rat == nil || !e.Rat.IsInt() || !e.Rat.Num().IsInt64() {
			return 0, inexact
		}
		x, st := f.value(n.Kids[0])
		if st != known {
			return 0, st
		}
		if x == 0 && (negative || e.Rat.Sign() == 0) {
			return 0, undefined
		}
		v := f.pow(x, e.Rat.Num().Uint64()%(f.p-1))
		if negative {
			v = f.inv(v)
		}
		return v, known
	}
	return 0, inexact
}

// fold returns the value of a sum, of a product, or of a call of an undefined function,
// which is a hash of its arguments.
func (f *field) fold(n *latex.Node) (uint64, state) {
	var h maphash.Hash
	total := uint64(0)
	if n.Op == latex.OpMul {
		total = 1
	}
	if n.Op == latex.OpCall {
		h.SetSeed(seed)
		h.WriteString(n.Text)
	}
	for _, k := range n.Kids {
		v, st := f.value(k)
		if st != known {
			return 0, st
		}
		switch n.Op {
		case latex.OpAdd:
			total = (total + v) % f.p
		case latex.OpMul:
			total = f.mul(total, v)
		default:
			maphash.WriteComparable(&h, v)
		}
	}
	if n.Op == latex.OpCall {
		total = h.Sum64() % f.p
	}
	return total, known
}

// int returns n modulo the prime.
func (f *field) int(n *big.Int) uint64 {
	if n.IsInt64() {
		v := n.Int64() % int64(f.p)
		if v < 0 {
			v += int64(f.p)
		}
		return uint64(v)
	}
	f.c.Step(n.BitLen() / 64)
	return new(big.Int).Mod(n, new(big.Int).SetUint64(f.p)).Uint64()
}

// rational compares two rational functions. ok is false if one of them is not a rational
// function or has no value.
func (c *checker) rational(g, p *latex.Node) (equal, ok bool) {
	f := field{c: c, p: prime()}
	for f.point = 100; f.point < 103; f.point++ {
		x, st := f.value(g)
		if st != known {
			return false, false
		}
		y, st := f.value(p)
		if st == undefined {
			return false, true
		}
		if st != known {
			return false, false
		}
		if x != y {
			return false, true
		}
	}
	return true, true
}
