package answer

import "github.com/satori-go/satori/reward/answer/internal/latex"

// matrices returns the matrix that an expression with matrices is equal to; its cells are
// expressions. It returns nil if the shapes do not fit.
func (c *checker) matrices(n *latex.Node) *latex.Node {
	if c.Step(1); c.Over {
		return nil
	}
	switch n.Op {
	case latex.OpMatrix:
		return n
	case latex.OpNeg:
		return c.scale(latex.Integer(-1), c.matrices(n.Kids[0]))
	case latex.OpDiv:
		if hasMatrix(n.Kids[1]) {
			return nil
		}
		return c.scale(latex.Apply(latex.OpDiv, latex.Integer(1), n.Kids[1]), c.matrices(n.Kids[0]))
	case latex.OpAdd:
		sum := c.matrices(n.Kids[0])
		for _, k := range n.Kids[1:] {
			m := c.matrices(k)
			if sum == nil || m == nil || m.Cols != sum.Cols || len(m.Kids) != len(sum.Kids) {
				return nil
			}
			next := &latex.Node{Op: latex.OpMatrix, Cols: m.Cols}
			for i := range m.Kids {
				next.Kids = append(next.Kids, latex.Apply(latex.OpAdd, sum.Kids[i], m.Kids[i]))
			}
			sum = next
		}
		return sum
	case latex.OpMul:
		var product *latex.Node
		factor := []*latex.Node{latex.Integer(1)}
		for _, k := range n.Kids {
			if !hasMatrix(k) {
				factor = append(factor, k)
				continue
			}
			m := c.matrices(k)
			if product != nil {
				m = c.product(product, m)
			}
			if product = m; m == nil {
				return nil
			}
		}
		return c.scale(latex.Apply(latex.OpMul, factor...), product)
	}
	return nil
}

// hasMatrix reports whether n contains a matrix.
func hasMatrix(n *latex.Node) bool {
	return n.Has(func(k *latex.Node) bool { return k.Op == latex.OpMatrix })
}

// scale multiplies a matrix by a factor.
func (c *checker) scale(factor, m *latex.Node) *latex.Node {
	if m == nil {
		return nil
	}
	out := &latex.Node{Op: latex.OpMatrix, Cols: m.Cols}
	for _, k := range m.Kids {
		out.Kids = append(out.Kids, latex.Apply(latex.OpMul, factor, k))
	}
	return out
}

// product multiplies two matrices.
func (c *checker) product(a, b *latex.Node) *latex.Node {
	if a == nil || b == nil || len(b.Kids) != a.Cols*b.Cols || len(a.Kids)/a.Cols*a.Cols*b.Cols > latex.MaxNodes {
		return nil
	}
	out := &latex.Node{Op: latex.OpMatrix, Cols: b.Cols}
	for row := 0; row < len(a.Kids)/a.Cols; row++ {
		for col := 0; col < b.Cols; col++ {
			terms := &latex.Node{Op: latex.OpAdd}
			for k := 0; k < a.Cols; k++ {
				terms.Kids = append(terms.Kids, latex.Apply(latex.OpMul, a.Kids[row*a.Cols+k], b.Kids[k*b.Cols+col]))
			}
			out.Kids = append(out.Kids, terms)
		}
	}
	return out
}
