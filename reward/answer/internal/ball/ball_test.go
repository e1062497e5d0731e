package ball

import (
	"fmt"
	"math"
	"math/big"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

func newArena(prec uint) *Arena { return &Arena{Budget: &Budget{Limit: 1 << 40}, Prec: prec} }

func (a *Arena) complex(z complex128) Ball {
	return a.Add(a.Rat(new(big.Rat).SetFloat64(real(z))), a.times(a.Rat(new(big.Rat).SetFloat64(imag(z)))))
}

func toComplex(b Ball) complex128 {
	re, _ := b.Re.Float64()
	im := 0.0
	if b.Im != nil {
		im, _ = b.Im.Float64()
	}
	return complex(re, im)
}

// Functions agree with Go's own, whose precision is lower.
func TestAgainstFloat64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		x, y := complex(4*r.Float64()-2, 4*r.Float64()-2), complex(4*r.Float64()-2, 4*r.Float64()-2)
		if r.IntN(2) == 0 {
			x, y = complex(real(x), 0), complex(real(y), 0)
		}
		a := newArena(Precisions[0])
		bx, by := a.complex(x), a.complex(y)
		for _, c := range []struct {
			name string
			got  Ball
			want complex128
		}{
			{"add", a.Add(bx, by), x + y},
			{"sub", a.Sub(bx, by), x - y},
			{"mul", a.Mul(bx, by), x * y},
			{"div", a.Div(bx, by), x / y},
			{"sqrt", a.Sqrt(bx), cmplx.Sqrt(x)},
			{"exp", a.Exp(bx), cmplx.Exp(x)},
			{"ln", a.Function("ln", []Ball{bx}), cmplx.Log(x)},
			{"sin", a.Function("sin", []Ball{bx}), cmplx.Sin(x)},
			{"cos", a.Function("cos", []Ball{bx}), cmplx.Cos(x)},
			{"tanh", a.Function("tanh", []Ball{bx}), cmplx.Tanh(x)},
			{"arctan", a.Function("arctan", []Ball{bx}), cmplx.Atan(x)},
			{"arsinh", a.Function("arsinh", []Ball{bx}), cmplx.Asinh(x)},
			{"abs", a.Function("abs", []Ball{bx}), complex(cmplx.Abs(x), 0)},
			{"power", a.Power(bx, 5), x * x * x * x * x},
			{"pow", a.Pow(bx, by), cmplx.Pow(x, y)},
		} {
			if d := cmplx.Abs(toComplex(c.got) - c.want); d > 1e-12*(1+cmplx.Abs(c.want)) {
				t.Errorf("%s of %v and %v is %v, want %v", c.name, x, y, toComplex(c.got), c.want)
			}
		}
		if a.Undefined || a.Large {
			t.Fatalf("no value at %v, %v", x, y)
		}
	}
}

// The error of a result bounds its distance to the result of a higher precision.
func TestErrorsHold(t *testing.T) {
	value := func(prec uint, seed uint64) Ball {
		r := rand.New(rand.NewPCG(seed, 5))
		a := newArena(prec)
		x := a.Rat(big.NewRat(r.Int64N(900)+1, 7))
		for range 12 {
			y := a.Rat(big.NewRat(r.Int64N(900)+1, 11))
			switch r.IntN(6) {
			case 0:
				x = a.Add(x, y)
			case 1:
				x = a.Sub(x, y)
			case 2:
				x = a.Div(x, y)
			case 3:
				x = a.Sqrt(x)
			case 4:
				x = a.Function("sin", []Ball{x})
			case 5:
				x = a.Exp(a.Function("arctan", []Ball{x}))
			}
		}
		return x
	}
	for seed := range uint64(100) {
		low, high := value(Precisions[0], seed), value(Precisions[2], seed)
		if d := newArena(Precisions[2]).Sub(low, high); !d.MayBeZero() {
			t.Errorf("seed %d: %v ± 2^%d, want %v", seed, toComplex(low), low.Err, toComplex(high))
		}
		if low.Err > low.Top()-200 {
			t.Errorf("seed %d: an error of 2^%d for a value below 2^%d", seed, low.Err, low.Top())
		}
	}
}

// A budget that is used up ends every computation.
func TestBudget(t *testing.T) {
	a := &Arena{Budget: &Budget{Limit: 500}, Prec: Precisions[0]}
	x := a.Int(2)
	for range 1000 {
		x = a.Exp(a.Function("ln", []Ball{x}))
	}
	if !a.Budget.Over || a.Budget.Steps != a.Budget.Limit {
		t.Errorf("%+v, want it used up", *a.Budget)
	}
}

func TestExactValues(t *testing.T) {
	a := newArena(Precisions[0])
	for _, c := range []struct {
		name string
		got  Ball
		want int64
	}{
		{"6!", a.Factorial(a.Int(6), 1), 720},
		{"7!!", a.Factorial(a.Int(7), 2), 105},
		{"10 choose 3", a.Function("binom", []Ball{a.Int(10), a.Int(3)}), 120},
		{"gcd", a.Function("gcd", []Ball{a.Int(12), a.Int(-18)}), 6},
		{"lcm", a.Function("lcm", []Ball{a.Int(4), a.Int(6)}), 12},
		{"floor", a.Function("floor", []Ball{a.Rat(big.NewRat(-7, 2))}), -4},
		{"ceil", a.Function("ceil", []Ball{a.Rat(big.NewRat(-7, 2))}), -3},
		{"mod", a.Function("mod", []Ball{a.Int(-7), a.Int(3)}), 2},
		{"max", a.Function("max", []Ball{a.Int(2), a.Int(9), a.Int(-1)}), 9},
		{"cube root", a.Function("root", []Ball{a.Int(-27), a.Int(3)}), -3},
	} {
		if n, ok := a.Integer(c.got); !ok || !n.IsInt64() || n.Int64() != c.want {
			t.Errorf("%s is %v, %v, want %d", c.name, n, ok, c.want)
		}
	}
	if a.Undefined || math.IsNaN(real(toComplex(a.Pi()))) {
		t.Error("a value is missing")
	}
	if a.Div(a.Int(1), a.Sub(a.Pi(), a.Pi())); !a.Undefined {
		t.Error("1/(π-π) has a value")
	}
}

// A value that cannot be told from zero needs more precision, or is zero.
func Example() {
	a := &Arena{Budget: &Budget{Limit: 12000}, Prec: Precisions[0]}
	root := a.Sqrt(a.Int(2))
	fmt.Println(a.Sub(a.Mul(root, root), a.Int(2)).MayBeZero())
	fmt.Println(a.Sub(root, a.Rat(big.NewRat(1414213562, 1000000000))).MayBeZero())
	// Output:
	// true
	// false
}
