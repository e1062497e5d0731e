package latex

import "strings"

// folds gives the ASCII text of each Unicode character with a mathematical meaning. Nothing
// else is replaced: a Cyrillic a is not a Latin a.
var folds = func() map[rune]string {
	m := map[rune]string{
		'\u00a0': " ", '\u2002': " ", '\u2003': " ", '\u2004': " ", '\u2005': " ", '\u2006': " ",
		'\u2007': " ", '\u2008': " ", '\u2009': " ", '\u200a': " ", '\u202f': " ", '\u205f': " ", '\u3000': " ",
		'−': "-", '×': `\times `, '÷': "/", '·': `\cdot `, '⋅': `\cdot `, '∙': `\cdot `, '∗': "*", '∕': "/", '⁄': "/",
		'√': " sqrt ", '∛': " cbrt ", '±': `\pm `, '∓': `\mp `, '∞': `\infty `, '°': `\deg `, '′': "'", '∘': `\circ `,
		'≤': "<=", '≥': ">=", '⩽': "<=", '⩾': ">=", '≠': "!=", '≈': `\approx `,
		'∈': `\in `, '∪': `\cup `, '∩': `\cap `, '∖': `\setminus `, '∅': `\emptyset `,
		'ℝ': `\mathbb{R}`, 'ℤ': `\mathbb{Z}`, 'ℕ': `\mathbb{N}`, 'ℚ': `\mathbb{Q}`, 'ℂ': `\mathbb{C}`,
		'∣': `\mid `, '∥': `\Vert `, '⟨': `\langle `, '⟩': `\rangle `, '⌊': `\lfloor `, '⌋': `\rfloor `, '⌈': `\lceil `, '⌉': `\rceil `,
		'£': `\pounds `, '€': `\euro `, '¥': " yen", '₹': " rupees", '¢': " cents", '…': `\ldots `, '∧': `\land `, '∨': `\lor `,
		'½': `\frac{1}{2}`, '⅓': `\frac{1}{3}`, '⅔': `\frac{2}{3}`, '¼': `\frac{1}{4}`, '¾': `\frac{3}{4}`,
		'⅕': `\frac{1}{5}`, '⅖': `\frac{2}{5}`, '⅗': `\frac{3}{5}`, '⅘': `\frac{4}{5}`, '⅙': `\frac{1}{6}`, '⅚': `\frac{5}{6}`,
		'⅐': `\frac{1}{7}`, '⅛': `\frac{1}{8}`, '⅜': `\frac{3}{8}`, '⅝': `\frac{5}{8}`, '⅞': `\frac{7}{8}`, '⅑': `\frac{1}{9}`, '⅒': `\frac{1}{10}`,
		'ℓ': `\ell `, '∠': `\angle `, '△': `\triangle `, '％': "%", '＄': `\$`, 'ϕ': `\phi `, 'ϵ': `\epsilon `,
		'∑': `\sum `, '∏': `\prod `,
	}
	for r := rune('！'); r <= '～'; r++ { // full-width forms
		if _, ok := m[r]; !ok {
			m[r] = string(r - '！' + '!')
		}
	}
	letters := strings.Fields(`alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi - pi rho varsigma
		sigma tau upsilon phi chi psi omega`)
	for i, name := range letters {
		if name != "-" {
			m['α'+rune(i)] = `\` + name + " "
		}
	}
	for r, name := range map[rune]string{'Γ': "Gamma", 'Δ': "Delta", 'Θ': "Theta", 'Λ': "Lambda", 'Ξ': "Xi", 'Π': "Pi",
		'Σ': "Sigma", 'Φ': "Phi", 'Ψ': "Psi", 'Ω': "Omega"} {
		m[r] = `\` + name + " "
	}
	return m
}()

// raised and lowered give the ASCII characters of superscripts and subscripts.
var raised, lowered = scripts("⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻-ⁿn⁽(⁾)"), scripts("₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋-ₙnₓx")

// scripts makes a map from a string of characters and their replacements in turns.
func scripts(s string) map[rune]byte {
	m := map[rune]byte{}
	runes := []rune(s)
	for i := 0; i+1 < len(runes); i += 2 {
		m[runes[i]] = byte(runes[i+1])
	}
	return m
}

// fold replaces the Unicode of an answer by ASCII. A run of superscripts becomes one
// exponent.
func fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return s
	}
	var b strings.Builder
	open := byte(0)
	script := func(mark, c byte) {
		if open != mark {
			if open != 0 {
				b.WriteByte('}')
			}
			b.WriteByte(mark)
			b.WriteByte('{')
			open = mark
		}
		b.WriteByte(c)
	}
	for _, r := range s {
		if c, ok := raised[r]; ok {
			script('^', c)
			continue
		}
		if c, ok := lowered[r]; ok {
			script('_', c)
			continue
		}
		if open != 0 {
			b.WriteByte('}')
			open = 0
		}
		if t, ok := folds[r]; ok {
			b.WriteString(t)
		} else {
			b.WriteRune(r)
		}
	}
	if open != 0 {
		b.WriteByte('}')
	}
	return b.String()
}
