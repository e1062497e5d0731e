package answer

// matrices is the matrix that an expression with matrices comes to, its cells still
// expressions, or nil where the shapes do not fit.
func (c *checker) matrices(n *node) *node {
	if c.Step(1); c.Over {
		return nil
	}
	switch n.op {
	case opMatrix:
		return n
	case opNeg:
		return c.scale(integer(-1), c.matrices(n.kids[0]))
	case opDiv:
		if hasMatrix(n.kids[1]) {
			return nil
		}
		return c.scale(apply(opDiv, integer(1), n.kids[1]), c.matrices(n.kids[0]))
	case opAdd:
		sum := c.matrices(n.kids[0])
		for _, k := range n.kids[1:] {
			m := c.matrices(k)
			if sum == nil || m == nil || m.cols != sum.cols || len(m.kids) != len(sum.kids) {
				return nil
			}
			next := &node{op: opMatrix, cols: m.cols}
			for i := range m.kids {
				next.kids = append(next.kids, apply(opAdd, sum.kids[i], m.kids[i]))
			}
			sum = next
		}
		return sum
	case opMul:
		var product *node
		factor := []*node{integer(1)}
		for _, k := range n.kids {
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
		return c.scale(apply(opMul, factor...), product)
	}
	return nil
}

func hasMatrix(n *node) bool { return n.has(func(k *node) bool { return k.op == opMatrix }) }

func (c *checker) scale(factor, m *node) *node {
	if m == nil {
		return nil
	}
	out := &node{op: opMatrix, cols: m.cols}
	for _, k := range m.kids {
		out.kids = append(out.kids, apply(opMul, factor, k))
	}
	return out
}

func (c *checker) product(a, b *node) *node {
	if a == nil || b == nil || len(b.kids) != a.cols*b.cols || len(a.kids)/a.cols*a.cols*b.cols > maxNodes {
		return nil
	}
	out := &node{op: opMatrix, cols: b.cols}
	for row := 0; row < len(a.kids)/a.cols; row++ {
		for col := 0; col < b.cols; col++ {
			terms := &node{op: opAdd}
			for k := 0; k < a.cols; k++ {
				terms.kids = append(terms.kids, apply(opMul, a.kids[row*a.cols+k], b.kids[k*b.cols+col]))
			}
			out.kids = append(out.kids, terms)
		}
	}
	return out
}
