package latex

import "slices"

// matrix reads the rows of a matrix and its \end.
func (p *parser) matrix(kind string) *Node {
	switch kind {
	case "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix", "array":
	default:
		return p.fail()
	}
	bars, trig := p.bars, p.trig
	p.bars, p.trig = 0, 0
	var cells []*Node
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
		if !c.Scalar() || c.Op == OpMatrix {
			return p.fail()
		}
	}
	n := p.node(OpMatrix, cells...)
	if p.bad {
		return n
	}
	n.Cols = cols
	if kind == "vmatrix" {
		return p.determinant(n)
	}
	return n
}

// determinant returns the determinant of a matrix of at most four rows.
func (p *parser) determinant(m *Node) *Node {
	size := m.Cols
	if m.Op != OpMatrix || len(m.Kids) != size*size || size > 4 {
		return p.fail()
	}
	cols := make([]int, size)
	for i := range cols {
		cols[i] = i
	}
	return p.minor(m, 0, cols)
}

// minor returns the determinant of the rows from row on and the columns cols.
func (p *parser) minor(m *Node, row int, cols []int) *Node {
	if len(cols) == 1 {
		return m.Kids[row*m.Cols+cols[0]]
	}
	terms := make([]*Node, 0, len(cols))
	for i, c := range cols {
		rest := slices.Delete(slices.Clone(cols), i, i+1)
		t := p.node(OpMul, m.Kids[row*m.Cols+c], p.minor(m, row+1, rest))
		if i%2 == 1 {
			t = p.node(OpNeg, t)
		}
		terms = append(terms, t)
	}
	return p.node(OpAdd, terms...)
}
