package agent

import "context"

// A Request is one chat turn.
type Request struct {
	System      string  `json:"system,omitempty"` // "": no system turn
	User        string  `json:"user"`
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
	Seed        uint64  `json:"seed"`
	// Stop are texts that end a reply and are no part of it; nil: none.
	Stop []string `json:"stop,omitempty"`
}

// A Reply is the answer of a model to a [Request], with the tokens that it took.
type Reply struct {
	Text         string `json:"text"`
	Truncated    bool   `json:"truncated,omitempty"` // the reply ends at MaxTokens
	PromptTokens int    `json:"prompt_tokens,omitempty"`
	Tokens       int    `json:"tokens,omitempty"`  // of the reply
	Retries      int    `json:"retries,omitempty"` // attempts before the one that was answered
}

// A Model answers chat turns. It must be safe for concurrent use.
type Model func(ctx context.Context, r Request) (Reply, error)
