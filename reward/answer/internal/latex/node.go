package latex

import "math/big"

// These limits of one answer bound the work of a parse whatever a policy writes.
const (
	maxDepth = 100  // of nesting
	MaxNodes = 2000 // of the tree
)

// An Op says what a node is.
type Op uint8

// The comments name the operands, which are Kids, and other fields that matter.
const (
	OpNum     Op = iota // Rat; Text is the number as written
	OpName              // Text: x, alpha, x_1
	OpPi                // π
	OpE                 // Euler's number
	OpI                 // the imaginary unit
	OpInf               // ∞
	OpAdd               // a + b + ...
	OpMul               // a · b · ...
	OpDiv               // a / b
	OpNeg               // −a
	OpPow               // a ^ b
	OpFunc              // the known function Text of Kids
	OpCall              // the undefined function Text of Kids
	OpFact              // a!
	OpSum               // Σ; Kids are index, from, to, body; Text is "prod" for Π
	OpPM                // ±a or ∓a; Text is the sign
	OpPercent           // a%
	OpUnit              // a with the unit Text
	OpMatrix            // Kids row by row, in Cols columns
	OpArith             // not a node: the operations above this line are scalar
	OpList              // a, b; Text is ",", "and" or "or"
	OpTuple             // (a, b); Text is its brackets
	OpSet               // {a, b}
	OpRel               // a < b = c; Rels are the signs
	OpCup               // a ∪ b
	OpCap               // a ∩ b
	OpMinus             // a ∖ b
	OpSpace             // a set that has a letter, Text: \R, \Z
	OpEmpty             // ∅
	OpRatio             // a : b
	OpBase              // the digits Text in base Cols
	OpBuilder           // {name | condition}
	OpLabel             // a name in words, Text
)

// A Node is a node of the tree that an answer is parsed into.
type Node struct {
	Op   Op
	Cols int
	Text string
	Rat  *big.Rat
	Kids []*Node
	Rels []string
}

// Scalar reports whether n is a value that can be part of a sum or a product.
func (n *Node) Scalar() bool { return n.Op < OpArith }

// Same reports whether two trees are identical.
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

// Has reports whether f is true for a node of the tree.
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

// Numeral reports whether n has no variable.
func (n *Node) Numeral() bool {
	return !n.Has(func(k *Node) bool { return k.Op == OpName || k.Op == OpCall })
}

// Names appends the variables of n to list, each one once. The index of a sum is not a
// variable inside the sum.
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

// Apply makes a node from its operation and operands.
func Apply(o Op, kids ...*Node) *Node { return &Node{Op: o, Kids: kids} }

// Integer makes the node of an integer.
func Integer(v int64) *Node { return &Node{Op: OpNum, Rat: big.NewRat(v, 1)} }
