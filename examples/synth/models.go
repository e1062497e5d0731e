package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/chat"
	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/openai"
)

// models holds the models of the three roles. critic is nil if the critic is no model, judge
// if there is no judge.
type models struct {
	generator, critic, judge agent.Model
	names                    map[string]string
	open                     map[string]agent.Model // by address and name; roles may share one
	nets                     []*model.LM
}

// openModels opens the model of each role.
func openModels(f flags) (*models, error) {
	m := &models{names: map[string]string{}, open: map[string]agent.Model{}}
	for _, role := range []struct {
		name, address, model string
		into                 *agent.Model
	}{
		{"generator", f.generator, f.generatorModel, &m.generator},
		{"critic", f.critic, f.criticModel, &m.critic},
		{"judge", f.judge, f.judgeModel, &m.judge},
	} {
		if role.address == "" || role.address == worked {
			if role.address == worked {
				m.names[role.name] = "agent.Worked" // agent.ReferenceSolution, by the name that manifests have
			}
			continue
		}
		where := role.address + " " + role.model
		if m.open[where] == nil {
			opened, err := m.openOne(f, role.address, role.model)
			if err != nil {
				m.close()
				return nil, fmt.Errorf("%s: %w", role.name, err)
			}
			m.open[where] = opened
		}
		*role.into = m.open[where]
		// The manifest names the model and not the server, whose address may change.
		m.names[role.name] = role.model
		if !strings.Contains(role.address, "://") {
			m.names[role.name] = filepath.Base(role.address)
		}
	}
	return m, nil
}

// openOne opens a server, or a model in this program if address is no URL.
func (m *models) openOne(f flags, address, name string) (agent.Model, error) {
	if !strings.Contains(address, "://") {
		return m.local(address, f.backend)
	}
	client, err := openai.New(openai.Config{
		URL: address, Model: name, Key: os.Getenv("OPENAI_API_KEY"), MaxConcurrent: f.inFlight, Timeout: f.timeout,
	})
	if err != nil {
		return nil, err
	}
	return client.Model, nil
}

// local opens a model that runs in this program. It answers one request at a time.
func (m *models) local(path, backend string) (agent.Model, error) {
	b, err := model.OpenBackend(backend)
	if err != nil {
		return nil, err
	}
	lm, err := model.Open(b, path)
	if err != nil {
		return nil, err
	}
	m.nets = append(m.nets, lm)
	t, err := lm.Template()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var busy sync.Mutex
	return func(ctx context.Context, r agent.Request) (agent.Reply, error) {
		in := chat.Input{Continue: true}
		if r.System != "" {
			in.Messages = append(in.Messages, chat.Message{Role: "system", Content: r.System})
		}
		in.Messages = append(in.Messages, chat.Message{Role: "user", Content: r.User})
		text, err := t.Render(in)
		if err != nil {
			return agent.Reply{}, err
		}
		ids := lm.Tokenizer().Encode(text)
		room := min(r.MaxTokens, lm.Config.MaxPositions-len(ids))
		if room <= 0 {
			return agent.Reply{Truncated: true}, nil
		}
		busy.Lock()
		defer busy.Unlock()
		done, err := lm.Sample(ctx, model.Request{Prompt: ids, MaxTokens: room, Temperature: r.Temperature, Seed: r.Seed})
		if err != nil {
			return agent.Reply{}, err
		}
		c := done[0]
		reply := agent.Reply{Text: lm.Response(c.Tokens), Truncated: c.Truncated, PromptTokens: len(ids), Tokens: len(c.Tokens)}
		for _, stop := range r.Stop {
			if before, _, found := strings.Cut(reply.Text, stop); found {
				reply.Text, reply.Truncated = before, false
			}
		}
		return reply, nil
	}, nil
}

func (m *models) close() {
	for _, lm := range m.nets {
		lm.Close()
	}
}
