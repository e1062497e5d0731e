package dataset

import (
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A Message is one turn of a chat.
type Message struct {
	Role    string `json:"role" parquet:"role"`
	Content string `json:"content" parquet:"content"`
}

// A Turn writes the user's turn for a problem, without the marks of a chat template, since
// trainers apply the template of their model. Nil: [coat.MathTurn].
type Turn func(coat.Problem) string

func (t Turn) user(p coat.Problem) []Message {
	if t == nil {
		t = coat.MathTurn
	}
	return []Message{{"user", t(p)}}
}

func assistant(text string) Message { return Message{"assistant", text} }

// A Chat is a demonstration as a chat of one turn.
type Chat struct {
	ID       string    `json:"id" parquet:"id"`
	Kind     string    `json:"kind" parquet:"kind"`
	Messages []Message `json:"messages" parquet:"messages,list"`
}

// NewChat makes a demonstration into a chat.
func NewChat(d coat.Demo, t Turn) Chat {
	return Chat{d.Problem.ID, string(d.Kind), append(t.user(d.Problem), assistant(d.Trace.String()))}
}

// A Preference is a pair as TRL reads it.
type Preference struct {
	Prompt   []Message `json:"prompt" parquet:"prompt,list"`
	Chosen   []Message `json:"chosen" parquet:"chosen,list"`
	Rejected []Message `json:"rejected" parquet:"rejected,list"`
}

// NewPreference makes a pair into a row for TRL. Both responses begin with the prefix of the
// start.
func NewPreference(p reward.Pair, t Turn) Preference {
	return Preference{t.user(p.Chosen.Start.Problem), []Message{response(p.Chosen)}, []Message{response(p.Rejected)}}
}

// A Ranking is a pair as LLaMA-Factory reads it.
type Ranking struct {
	Conversations []Message `json:"conversations" parquet:"conversations,list"`
	Chosen        Message   `json:"chosen" parquet:"chosen"`
	Rejected      Message   `json:"rejected" parquet:"rejected"`
}

// NewRanking makes a pair into a row for LLaMA-Factory.
func NewRanking(p reward.Pair, t Turn) Ranking {
	return Ranking{t.user(p.Chosen.Start.Problem), response(p.Chosen), response(p.Rejected)}
}

func response(a coat.Attempt) Message { return assistant(a.Start.Prefix.String() + a.Text) }

// A Restart is a start as the paper's trainer reads it: the prompt with the steps
// already taken, and 0 for an original start, 1 for one cut from a right attempt, -1
// for one cut from a wrong attempt.
type Restart struct {
	Query         string `json:"query" parquet:"query"`
	Answer        string `json:"answer" parquet:"answer"`
	ReflectStatus int    `json:"reflect_status" parquet:"reflect_status"`
}

// NewRestart makes a start into a row, with the prompt of a template: [coat.Math] for the
// paper's models.
func NewRestart(s coat.Start, t coat.Template) Restart {
	status := map[coat.Outcome]int{coat.Unknown: 0, coat.Right: 1, coat.Wrong: -1}[s.Prior]
	return Restart{t(s), s.Problem.Answer, status}
}

// A Tuning is a demonstration in the format of the paper's released data.
type Tuning struct {
	Query    string `json:"query" parquet:"query"`
	Response string `json:"response" parquet:"response"`
	Type     string `json:"type" parquet:"type"` // such as type_II_I_data
}

// NewTuning makes a demonstration into a row, with the prompt of a template.
func NewTuning(d coat.Demo, t coat.Template) Tuning {
	kind := "type_" + strings.ReplaceAll(string(d.Kind), "-", "_") + "_data"
	return Tuning{t(coat.Start{Problem: d.Problem}), d.Trace.String(), kind}
}
