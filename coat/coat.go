package coat

import "iter"

// A Problem is a question with a reference answer. It does not say how an answer is
// judged: a reward does.
type Problem struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Answer   string `json:"answer"`
	Level    int    `json:"level,omitempty"` // difficulty as the source gives it; 0: not known

	// Solution is a worked solution, if the source has one. A critic may read it. It is
	// never part of a prompt that is trained on.
	Solution string `json:"solution,omitempty"`

	// Actions is the set of meta-actions that solutions are written with. Its zero value
	// is the paper's set.
	Actions Actions `json:"actions,omitzero"`
}

// A Demo is a trace worth imitating.
type Demo struct {
	Problem Problem `json:"problem"`
	Trace   Trace   `json:"trace"`
	Kind    Kind    `json:"kind,omitempty"`
}

// A Kind is the shape of a demonstration (paper, appendix D.1). The first roman number
// says how the first solution ended, the second how often a solution went wrong
// before the end.
type Kind string

// The kinds of the paper, and Distilled: written by a trained policy.
const (
	TypeI     Kind = "I"      // right at once, no reflection
	TypeII1   Kind = "II-I"   // right, verified on the way
	TypeII2   Kind = "II-II"  // right, verified, then a wrong answer, corrected
	TypeIII1  Kind = "III-I"  // wrong, corrected once
	TypeIII2  Kind = "III-II" // wrong, corrected twice
	Distilled Kind = "distilled"
)

// Kinds returns the five shapes that the paper synthesises.
func Kinds() []Kind { return []Kind{TypeI, TypeII1, TypeII2, TypeIII1, TypeIII2} }

// A Start is a state to reason from. An original start has neither Prefix nor Prior. A
// restart has the steps already taken, which end in a bare token such as <|reflect|>, and
// the outcome of the attempt that they were cut from.
type Start struct {
	Problem Problem `json:"problem"`
	Prefix  Trace   `json:"prefix,omitempty"`
	Prior   Outcome `json:"prior,omitempty"`
}

// Starts yields an original start of each problem.
func Starts(problems []Problem) iter.Seq[Start] {
	return func(yield func(Start) bool) {
		for _, p := range problems {
			if !yield(Start{Problem: p}) {
				return
			}
		}
	}
}

// An Attempt is the response of a policy to a Start. Text is the response alone, without
// the prefix of the start. Truncated says that the response ends at the token limit.
type Attempt struct {
	Start     Start  `json:"start"`
	Text      string `json:"text"`
	Truncated bool   `json:"truncated,omitempty"`
}

// An AttemptKey is a whole attempt as the key of a map.
type AttemptKey struct {
	problem      Problem
	prefix, text string
	prior        Outcome
	truncated    bool
}

// Key returns a value that is the same for two attempts exactly if all of their fields are.
func (a Attempt) Key() AttemptKey {
	return AttemptKey{a.Start.Problem, a.Start.Prefix.String(), a.Text, a.Start.Prior, a.Truncated}
}

// Trace parses the prefix and the response as one trace, with the actions of the problem.
func (a Attempt) Trace() (Trace, error) {
	return a.Start.Problem.Actions.Parse(a.Start.Prefix.String() + a.Text)
}

// A Template writes the prompt of a start: the question in the words that the model was
// trained with, then the prefix of the start.
type Template func(Start) string

// Bare writes the prompt of small models that read nothing but the question: the
// question, a space, the prefix. It is a [Template].
func Bare(s Start) string { return s.Problem.Question + " " + s.Prefix.String() }

// Math writes the prompt of the paper's models (model card of Satori-SFT-7B): a chat
// turn that asks for steps and a boxed answer, without a system turn. It is a [Template].
func Math(s Start) string {
	return "<|im_start|>user\n" + MathTurn(s.Problem) + "<|im_end|>\n<|im_start|>assistant\n" + s.Prefix.String()
}

// MathTurn writes the user's turn of [Math] alone, for programs that apply a chat template
// themselves.
func MathTurn(p Problem) string {
	return "Solve the following math problem efficiently and clearly.\n" +
		"Please reason step by step, and put your final answer within \\boxed{}.\n" +
		"Problem: " + p.Question
}
