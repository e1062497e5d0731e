package answer

import "slices"

// matrix reads the rows of a matrix up to its \end.
func (p *parser) matrix(kind string) *node {
	switch kind {
	case "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix", "array":
	default:
		return p.fail()
	}
	bars, trig := p.bars, p.trig
	p.bars, p.trig = 0, 0
	var cells []*node
	cols, row := 0, 0
	for !p.bad {
		if t := p.peek(); t.kind == tCmd && t.text == "end "+kind && row == 0 && cols > 0 {
			break // after a trailing \\
		}
		c := p.sum()
		cells = append(cells, c)
		row++
		if p.accept("&") {
			continue
		}
		if cols == 0 {
			cols = row
		}
		if row != cols {
			return p.fail()
		}
		row = 0
		if !p.accept(`\\`) {
			break
		}
	}
	p.bars, p.trig = bars, trig
	if t := p.peek(); t.kind != tCmd || t.text != "end "+kind {
		return p.fail()
	}
	p.pos++
	for _, c := range cells {
		if !c.scalar() || c.op == opMatrix {
			return p.fail()
		}
	}
	n := p.node(opMatrix, cells...)
	if p.bad {
		return n
	}
	n.cols = cols
	if kind == "vmatrix" {
		return p.determinant(n)
	}
	return n
}

// determinant is the determinant of a matrix of at most four rows.
func (p *parser) determinant(m *node) *node {
	size := m.cols
	if m.op != opMatrix || len(m.kids) != size*size || size > 4 {
		return p.fail()
	}
	cols := make([]int, size)
	for i := range cols {
		cols[i] = i
	}
	return p.minor(m, 0, cols)
}

func (p *parser) minor(m *node, row int, cols []int) *node {
	if len(cols) == 1 {
		return m.kids[row*m.cols+cols[0]]
	}
	terms := make([]*node, 0, len(cols))
	for i, c := range cols {
		rest := slices.Delete(slices.Clone(cols), i, i+1)
		t := p.node(opMul, m.kids[row*m.cols+c], p.minor(m, row+1, rest))
		if i%2 == 1 {
			t = p.node(opNeg, t)
		}
		terms = append(terms, t)
	}
	return p.node(opAdd, terms...)
}

// matrices is the matrix that an expression with matrices comes to, its cells still
// expressions, or nil where the shapes do not fit.
func (c *checker) matrices(n *node) *node {
	if c.step(1); c.over {
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
