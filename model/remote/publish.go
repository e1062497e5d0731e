package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/model/retry"
)

// ErrNoPublish is the error of a server that takes no new weights while it runs.
var ErrNoPublish = errors.New("the server takes no new weights: SGLang does, and vLLM where it runs with VLLM_SERVER_DEV_MODE=1; others, such as llama.cpp, have to be started again")

// Publish has the server read new weights from a directory, as model.LM.Save writes it, which
// the server has to find at the same absolute path: one on this machine, or a shared file
// system. It returns when the weights are in use, so that no completion asked for later
// comes from the old ones. Save into a directory of another name each time: the server may
// still be reading the last one.
//
// SGLang is asked at /update_weights_from_disk, which also empties its prefix cache
// (python/sglang/srt/entrypoints/http_server.py); vLLM at /collective_rpc for its workers'
// reload_weights with a path, and then at /reset_prefix_cache (vllm/v1/worker/gpu_worker.py
// and vllm/entrypoints/serve/dev of vLLM 0.33.0), which it refuses while requests run: publish
// between rollouts. Neither was run against this code, only programs that answer as they do.
// Another server is [ErrNoPublish].
func (m *Remote) Publish(ctx context.Context, dir string) error {
	fail := func(err error) error {
		return fmt.Errorf("remote: publish %s to %s: %w", dir, m.config.URL, err)
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return fail(err)
	}
	if _, err := os.Stat(filepath.Join(path, "config.json")); err != nil {
		return fail(err)
	}
	var sglang struct {
		Success bool
		Message string
	}
	err = m.control(ctx, "/update_weights_from_disk", map[string]any{"model_path": path, "flush_cache": true}, &sglang)
	if err == nil && !sglang.Success {
		err = fmt.Errorf("the server failed to load them: %s", sglang.Message)
	}
	if !absent(err) {
		if err != nil {
			return fail(err)
		}
		return nil
	}
	var ignored any
	err = m.control(ctx, "/collective_rpc", map[string]any{"method": "reload_weights", "kwargs": map[string]any{"weights_path": path}}, &ignored)
	if absent(err) {
		err = ErrNoPublish
	}
	if err == nil {
		// What the prefix cache holds was computed by the old weights.
		reset := struct{ Success bool }{true} // earlier versions answer nothing
		err = m.control(ctx, "/reset_prefix_cache", map[string]any{}, &reset)
		if err == nil && !reset.Success {
			err = errors.New("requests are running; publish again when they have ended")
		}
		if err != nil {
			err = fmt.Errorf("the new weights are in use, but the prefix cache has the old ones': %w", err)
		}
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// control asks an address beside the API's; a 500 is an answer there, no passing fault.
func (m *Remote) control(ctx context.Context, path string, question, answer any) error {
	address := strings.TrimSuffix(m.config.URL, "/v1") + path
	_, err := m.gate.Do(ctx, func(ctx context.Context) error {
		err := m.ask(ctx, address, question, answer, true)
		var refused *retry.Refused
		if errors.As(err, &refused) {
			refused.Final = refused.Status == http.StatusInternalServerError
		}
		return err
	})
	return err
}

// absent tells that a server does not know an address.
func absent(err error) bool {
	var refused *retry.Refused
	return errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed)
}
