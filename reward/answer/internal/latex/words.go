package latex

import "strings"

// set makes a set of the words in s.
func set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// pairs makes a map from words and their meanings in turns. "_" means the empty string and
// "␣" a space.
func pairs(s string) map[string]string {
	m := map[string]string{}
	f := strings.Fields(s)
	for i := 0; i+1 < len(f); i += 2 {
		switch f[i+1] {
		case "_":
			m[f[i]] = ""
		case "␣":
			m[f[i]] = " "
		default:
			m[f[i]] = f[i+1]
		}
	}
	return m
}

// symbols gives the symbol of each LaTeX command that stands for one symbol, or for none.
var symbols = pairs(`
	times * cdot * ast * div / over over choose choose
	pm pm mp mp infty inf le <= leq <= leqslant <= ge >= geq >= geqslant >= lt < gt > ne != neq !=
	approx ~ simeq ~ in in cup cup bigcup cup cap cap bigcap cap setminus setminus backslash setminus
	emptyset empty varnothing empty circ deg degree deg deg deg prime ' mid | vert | lvert | rvert |
	Vert || lVert || rVert || colon : lbrace \{ rbrace \} lbrack [ rbrack ] lparen ( rparen )
	langle << rangle >> lfloor lfloor rfloor rfloor lceil lceil rceil rceil
	bmod mod mod mod land and wedge and lor or vee or pounds £ euro €
	quad ␣ qquad ␣ enspace ␣ thinspace ␣ space ␣ displaystyle _ textstyle _ scriptstyle _ scriptscriptstyle _
	limits _ nolimits _ big _ Big _ bigg _ Bigg _ bigl _ bigr _ Bigl _ Bigr _ biggl _ biggr _ Biggl _ Biggr _
	bigm _ Bigm _ boxed _ fbox _ underline _ mathbf _ boldsymbol _ bm _ pmb _ mathit _ mathnormal _ mathsf _ mathtt _
	bf _ rm _ it _ sf _ tt _ em _ large _ Large _ LARGE _ huge _ Huge _ footnotesize _ scriptsize _ small _ tiny _
	normalsize _ bold _ ensuremath _ mathop _ mathord _ negthinspace _
`)

// greek holds commands that are names.
var greek = set(`alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho varrho
	sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar
	angle triangle measuredangle aleph nabla`)

// functions gives the known function for each of its names.
var functions = pairs(`
	sin sin cos cos tan tan tg tan cot cot ctg cot sec sec csc csc cosec csc
	arcsin arcsin asin arcsin arccos arccos acos arccos arctan arctan atan arctan arctg arctan arccot arccot arcsec arcsec arccsc arccsc
	sinh sinh cosh cosh tanh tanh coth coth sech sech csch csch
	arsinh arsinh arcsinh arsinh asinh arsinh arcosh arcosh arccosh arcosh acosh arcosh artanh artanh arctanh artanh atanh artanh
	ln ln log log lg lg exp exp sqrt sqrt cbrt cbrt abs abs floor floor ceil ceil ceiling ceil sgn sgn sign sgn
	gcd gcd lcm lcm max max min min Re Re Im Im det det binom nchoosek
`)

// glued holds functions that are often written without a space before the argument: sinx.
var glued = set(`sin cos tan cot sec csc ln`)

// commands gives the kind of each command that takes arguments in braces.
var commands = pairs(`
	frac frac dfrac frac tfrac frac cfrac frac sqrt sqrt binom binom dbinom binom tbinom binom sum sum prod prod pmod pmod
`)

// wrappers holds commands with prose or a unit in their argument.
var wrappers = set(`text textbf textit textrm textsf texttt textnormal textsc mbox hbox mathrm operatorname emph textup`)

// accents holds commands that make a name of their argument.
var accents = set(`vec overline overrightarrow hat bar tilde widehat widetilde dot ddot mathcal mathscr mathfrak underbar`)

// drops holds commands whose argument is never part of an answer. 2: a star may follow.
var drops = map[string]int{"hspace": 2, "vspace": 2, "phantom": 1, "hphantom": 1, "vphantom": 1, "tag": 2, "label": 1,
	"color": 1, "textcolor": 1, "colorbox": 1, "mspace": 1, "hskip": 1, "kern": 1}

// banned holds words that make an answer prose: they change its meaning, or are numbers.
var banned = set(`and or not of to if more less least most than no none never every all any each either neither both but except
	is are be was were equals equal approximately about around nearly almost roughly
	thousand thousands million millions billion billions trillion hundred hundreds dozen dozens half halves third quarter
	quarters twice double triple tenth tenths hundredth thousandth one two three four five six seven eight nine ten eleven twelve
	plus minus times over divided by squared cubed power root factorial choose modulo mod where when for with without
	from between through until then else let so thus hence the an this that out which what answer wrong correct incorrect
	negative positive at on true false yes maybe unknown undefined infinite`)
