package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/satori-go/satori/reward/answer"
)

// OpenRLHF's remote reward, as its own client asks for it and its own server answers
// (openrlhf/utils/agent.py and openrlhf/cli/serve_rm.py of v0.11.0, 3c3be62; the former
// since v0.9.1, openrlhf/utils/remote_rm_utils.py before that):
//
//	POST /get_reward {"query": [...], "prompts": [...], "labels": [...]}
//	→ {"rewards": [...], "scores": [...], "extra_logs": {name: [...]}}
//
// A query is a prompt and its response, decoded with the special tokens; a label is
// what the data set has for an answer. Versions from 0.9.1 on send one query a request,
// earlier ones a whole rollout batch, and a client that has more servers than queries
// sends empty lists to some. Up to 0.8.2 "rewards" alone is read. Every list of the
// reply has one entry a query. Versions before 0.6 send no labels and cannot be served;
// 0.8.3 to 0.8.9 join the lists of a reply as if they were tensors, and so can use no
// server at all, not even their own, without a change.
//
// A request without prompts has responses alone as its queries; that is for clients of
// other libraries.
//
// The protocol does not say which responses were cut off at the token limit.

// A Request asks for rewards.
type Request struct {
	Query   []string `json:"query"`
	Prompts []string `json:"prompts"`
	Labels  []text   `json:"labels"`
}

// A Reply has rewards: 1 for an answer that equals the label and 0 for another.
type Reply struct {
	Rewards   []score            `json:"rewards"` // for the advantages
	Scores    []score            `json:"scores"`  // the same, for dynamic sampling
	ExtraLogs map[string][]score `json:"extra_logs"`

	reasons []answer.Reason
}

// A score is written with a decimal point: of 1 PyTorch makes a tensor of integers,
// which has no mean.
type score float64

func (s score) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 1, 64), nil
}

// logged are the reasons that are reported apart, by the name they have in the logs.
var logged = map[answer.Reason]string{
	answer.NoAnswer: "no_answer", answer.Unparsed: "unparsed", answer.OverBudget: "over_budget",
}

// read reads a request and tells what is wrong with it.
func read(body io.Reader) (Request, error) {
	var r Request
	d := json.NewDecoder(body)
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	if _, err := d.Token(); err != io.EOF {
		if err == nil || errors.As(err, new(*json.SyntaxError)) {
			err = errors.New("something follows the object")
		}
		return r, err
	}
	switch {
	case r.Query == nil:
		return r, errors.New(`no field "query"`)
	case len(r.Labels) != len(r.Query):
		return r, fmt.Errorf("%d labels for %d queries; a label is the gold answer of its query", len(r.Labels), len(r.Query))
	case r.Prompts != nil && len(r.Prompts) != len(r.Query):
		return r, fmt.Errorf("%d prompts for %d queries", len(r.Prompts), len(r.Query))
	}
	return r, nil
}

// errRequest is what is wrong with a request that can be read.
type errRequest struct{ error }

// rewards judges a request. A label that cannot be read, or a query without its prompt,
// is an [errRequest], never a reward of 0.
func rewards(ctx context.Context, r Request) (Reply, error) {
	n := len(r.Query)
	reply := Reply{Rewards: make([]score, n), ExtraLogs: map[string][]score{}, reasons: make([]answer.Reason, n)}
	for _, name := range logged {
		reply.ExtraLogs[name] = make([]score, n)
	}
	for i, query := range r.Query {
		if err := context.Cause(ctx); err != nil {
			return Reply{}, fmt.Errorf("%d of %d queries were judged: %w", i, n, err)
		}
		gold, err := answer.CompileGold(string(r.Labels[i]))
		if err != nil {
			return Reply{}, errRequest{fmt.Errorf("labels[%d]: %w", i, err)}
		}
		if r.Prompts != nil {
			if query, err = response(query, r.Prompts[i]); err != nil {
				return Reply{}, errRequest{fmt.Errorf("query[%d] %w", i, err)}
			}
		}
		_, verdict := judge(gold, query)
		if verdict.Equal {
			reply.Rewards[i] = 1
		}
		if name, ok := logged[verdict.Reason]; ok {
			reply.ExtraLogs[name][i] = 1
		}
		reply.reasons[i] = verdict.Reason
	}
	reply.Scores = reply.Rewards
	return reply, nil
}
