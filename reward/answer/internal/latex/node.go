package latex

import "math/big"

// Limits of one answer. They bound the work of a parse whatever a policy writes.
const (
	maxDepth = 100  // of nesting
	MaxNodes = 2000 // of the tree
)

// An Op says what a node is.
type Op uint8

const (
	OpNum     Op = iota // rat; text is how it was written
	OpName              // text: x, alpha, x_1
	OpPi                // π
	OpE                 // Euler's number
	OpI                 // the imaginary unit
	OpInf               // ∞
	OpAdd               // a + b + ...
	OpMul               // a · b · ...
	OpDiv               // a / b
	OpNeg               // −a
	OpPow               // a ^ b
	OpFunc              // the known function text of kids
	OpCall              // the undefined function text of kids
	OpFact              // a!
	OpSum               // Σ kids: index, from, to, body; text "prod" for Π
	OpPM                // ±a or ∓a; text is the sign
	OpPercent           // a%
	OpUnit              // a with a unit, text
	OpMatrix            // cols columns of kids, row by row
	OpArith             // no node: those above can be part of a sum
	OpList              // a, b; text is "," "and" or "or"
	OpTuple             // (a, b); text is its brackets
	OpSet               // {a, b}
	OpRel               // a < b = c; rels are the signs
	OpCup               // a ∪ b
	OpCap               // a ∩ b
	OpMinus             // a ∖ b
	OpSpace             // a set with a letter of its own, text: \R, \Z
	OpEmpty             // ∅
	OpRatio             // a : b
	OpBase              // text in base cols
	OpBuilder           // {name | condition}
	OpLabel             // a label in words
)

// A Node is a part of an answer.
type Node struct {
	Op   Op
	Cols int
	Text string
	Rat  *big.Rat
	Kids []*Node
	Rels []string
}

// scalar tells whether n is a value that sums and products take.
func (n *Node) Scalar() bool { return n.Op < OpArith }

// same tells whether two trees are the same, which needs no arithmetic.
func Same(a, b *Node) bool {
	if a.Op != b.Op || a.Cols != b.Cols || len(a.Kids) != len(b.Kids) || len(a.Rels) != len(b.Rels) {
		return false
	}
	if a.Op == OpNum {
		if a.Rat == nil || b.Rat == nil {
			return a.Text == b.Text
		}
		return a.Rat.Cmp(b.Rat) == 0
	}
	if a.Text != b.Text {
		return false
	}
	for i := range a.Rels {
		if a.Rels[i] != b.Rels[i] {
			return false
		}
	}
	for i := range a.Kids {
		if !Same(a.Kids[i], b.Kids[i]) {
			return false
		}
	}
	return true
}

// has tells whether f holds for a node of the tree.
func (n *Node) Has(f func(*Node) bool) bool {
	if f(n) {
		return true
	}
	for _, k := range n.Kids {
		if k.Has(f) {
			return true
		}
	}
	return false
}

// numeral tells whether n has no variable.
func (n *Node) Numeral() bool {
	return !n.Has(func(k *Node) bool { return k.Op == OpName || k.Op == OpCall })
}

// names adds the variables of n to list, each once. The index of a sum is none
// within it.
func (n *Node) Names(list []string) []string {
	switch n.Op {
	case OpName:
		for _, v := range list {
			if v == n.Text {
				return list
			}
		}
		return append(list, n.Text)
	case OpSum:
		list = n.Kids[2].Names(n.Kids[1].Names(list))
		for _, v := range n.Kids[3].Names(nil) {
			if v != n.Kids[0].Text {
				list = (&Node{Op: OpName, Text: v}).Names(list)
			}
		}
		return list
	}
	for _, k := range n.Kids {
		list = k.Names(list)
	}
	return list
}

func Apply(o Op, kids ...*Node) *Node { return &Node{Op: o, Kids: kids} }

func Integer(v int64) *Node { return &Node{Op: OpNum, Rat: big.NewRat(v, 1)} }
