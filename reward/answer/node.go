package answer

import "math/big"

// Limits of one answer. They bound the work of a parse whatever a policy writes.
const (
	maxDepth = 100  // of nesting
	maxNodes = 2000 // of the tree
)

// An op says what a node is.
type op uint8

const (
	opNum     op = iota // rat; text is how it was written
	opName              // text: x, alpha, x_1
	opPi                // π
	opE                 // Euler's number
	opI                 // the imaginary unit
	opInf               // ∞
	opAdd               // a + b + ...
	opMul               // a · b · ...
	opDiv               // a / b
	opNeg               // −a
	opPow               // a ^ b
	opFunc              // the known function text of kids
	opCall              // the undefined function text of kids
	opFact              // a!
	opSum               // Σ kids: index, from, to, body; text "prod" for Π
	opPM                // ±a or ∓a; text is the sign
	opPercent           // a%
	opUnit              // a with a unit, text
	opMatrix            // cols columns of kids, row by row
	opArith             // no node: those above can be part of a sum
	opList              // a, b; text is "," "and" or "or"
	opTuple             // (a, b); text is its brackets
	opSet               // {a, b}
	opRel               // a < b = c; rels are the signs
	opCup               // a ∪ b
	opCap               // a ∩ b
	opMinus             // a ∖ b
	opSpace             // a set with a letter of its own, text: \R, \Z
	opEmpty             // ∅
	opRatio             // a : b
	opBase              // text in base cols
	opBuilder           // {name | condition}
	opLabel             // a label in words
)

// A node is a part of an answer.
type node struct {
	op   op
	cols int
	text string
	rat  *big.Rat
	kids []*node
	rels []string
}

// scalar tells whether n is a value that sums and products take.
func (n *node) scalar() bool { return n.op < opArith }

// same tells whether two trees are the same, which needs no arithmetic.
func same(a, b *node) bool {
	if a.op != b.op || a.cols != b.cols || len(a.kids) != len(b.kids) || len(a.rels) != len(b.rels) {
		return false
	}
	if a.op == opNum {
		if a.rat == nil || b.rat == nil {
			return a.text == b.text
		}
		return a.rat.Cmp(b.rat) == 0
	}
	if a.text != b.text {
		return false
	}
	for i := range a.rels {
		if a.rels[i] != b.rels[i] {
			return false
		}
	}
	for i := range a.kids {
		if !same(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

// has tells whether f holds for a node of the tree.
func (n *node) has(f func(*node) bool) bool {
	if f(n) {
		return true
	}
	for _, k := range n.kids {
		if k.has(f) {
			return true
		}
	}
	return false
}

// numeral tells whether n has no variable.
func (n *node) numeral() bool {
	return !n.has(func(k *node) bool { return k.op == opName || k.op == opCall })
}

// names adds the variables of n to list, each once. The index of a sum is none
// within it.
func (n *node) names(list []string) []string {
	switch n.op {
	case opName:
		for _, v := range list {
			if v == n.text {
				return list
			}
		}
		return append(list, n.text)
	case opSum:
		list = n.kids[2].names(n.kids[1].names(list))
		for _, v := range n.kids[3].names(nil) {
			if v != n.kids[0].text {
				list = (&node{op: opName, text: v}).names(list)
			}
		}
		return list
	}
	for _, k := range n.kids {
		list = k.names(list)
	}
	return list
}

func apply(o op, kids ...*node) *node { return &node{op: o, kids: kids} }

func integer(v int64) *node { return &node{op: opNum, rat: big.NewRat(v, 1)} }
