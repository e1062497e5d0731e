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

// ErrNoPublish is the error for a server that takes no new weights while it runs.
var ErrNoPublish = errors.New("the server takes no new weights while it runs: " +
	"start it again with them, or use SGLang, or vLLM with VLLM_SERVER_DEV_MODE=1")

// Publish has the server load new weights from a directory that model.LM.Save wrote. The server
// must find it at the same absolute path, on this machine or on a shared file system. Publish
// returns when the weights are in use: no completion that is asked for later comes from the old
// ones. Use a directory of another name each time, since the server may still read the last one.
//
// Publish asks SGLang at /update_weights_from_disk, which also empties its prefix cache
// (python/sglang/srt/entrypoints/http_server.py). It asks vLLM at /collective_rpc to call
// reload_weights in its workers, and then at /reset_prefix_cache (vllm/v1/worker/gpu_worker.py
// and vllm/entrypoints/serve/dev of vLLM 0.33.0). vLLM refuses that while requests run, so
// publish between rollouts. Another server gives [ErrNoPublish]. This code has been run against
// programs that answer as these servers do, and not against the servers themselves.
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
	err = m.control(ctx, "/collective_rpc", map[string]any{"method": "reload_weights", "kwargs": map[string]any{"weights_path": path}},
		&ignored)
	if absent(err) {
		err = ErrNoPublish
	}
	if err == nil {
		// The prefix cache holds what the old weights computed.
		reset := struct{ Success bool }{true} // earlier versions answer nothing
		err = m.control(ctx, "/reset_prefix_cache", map[string]any{}, &reset)
		if err == nil && !reset.Success {
			err = errors.New("requests are running: publish again when they have ended")
		}
		if err != nil {
			err = fmt.Errorf("the new weights are in use, but the prefix cache is that of the old ones: %w", err)
		}
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// control asks an address beside those of the API. A status of 500 is an answer there, and no
// fault that may pass.
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

// absent tells whether a server does not know an address.
func absent(err error) bool {
	var refused *retry.Refused
	return errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed)
}
