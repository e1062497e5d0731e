package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors/dtensor"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// A mesh trains on all devices of a backend. Each device has a replica of what a learner holds and
// a share of the rows of a micro-batch. XLA's partitioner adds up their gradients, so that all
// replicas make the same step. The replica of the first device is the network itself.
type mesh struct {
	backend backend.Backend
	devices int
	grid    *distributed.DeviceMesh
	whole   *distributed.ShardingSpec // a device has all of a tensor
	rows    *distributed.ShardingSpec // a device has its share of the first axis

	gradient   func(kinds string) *device.Exec // by what [mesh.split] says of its inputs
	add, apply *device.Exec

	others []replica         // of devices 1 and up
	seen   []*backend.Tensor // the network's weights that these are copies of
}

// newMesh makes a mesh of all devices of a backend, and returns nil for one device.
func newMesh(b backend.Backend) *mesh {
	n := int(b.NumDevices())
	if n < 2 {
		return nil
	}
	grid, err := distributed.NewDeviceMesh([]int{n}, []string{"data"})
	if err != nil {
		panic(err) // the one axis is well-formed
	}
	rows, err := distributed.BuildSpec(grid).S("data").Done()
	if err != nil {
		panic(err)
	}
	return &mesh{backend: b, devices: n, grid: grid, whole: distributed.NewReplicatedShardingSpec(grid), rows: rows}
}

// exec prepares a function over the mesh. Its inputs and outputs are lists, device after device.
// Each device has all of the first inputs, so many as whole says; kinds says of the other inputs
// whether they are divided by rows ('r') or not ('w').
func (m *mesh) exec(name string, whole int, kinds string, build func([]*Node) []*Node) *device.Exec {
	x := device.New(m.backend, name, build)
	var specs []*distributed.ShardingSpec
	for range whole {
		specs = append(specs, m.whole)
	}
	for _, k := range kinds {
		if k == 'r' {
			specs = append(specs, m.rows)
		} else {
			specs = append(specs, m.whole)
		}
	}
	x.Shard(m.grid, specs, m.whole)
	return x
}

// split divides a micro-batch among the devices. Tensors with as many rows as the first one are
// divided by rows ('r'), and every device gets the other tensors whole ('w'). Where the number of
// rows is no multiple of the number of devices, nothing is divided.
func (m *mesh) split(batch []*backend.Tensor) (kinds string, parts [][]*backend.Tensor, err error) {
	var letters strings.Builder
	parts = make([][]*backend.Tensor, m.devices)
	for _, t := range batch {
		dims := t.Shape().Dimensions
		if len(dims) > 0 && dims[0] == batch[0].Shape().Dimensions[0] && dims[0]%m.devices == 0 {
			letters.WriteByte('r')
			shards, err := dtensor.ShardTensor(m.rows, t)
			if err != nil {
				return "", parts, err
			}
			for d, s := range shards.Shards() {
				parts[d] = append(parts[d], s)
			}
			continue
		}
		letters.WriteByte('w')
		for d := range m.devices {
			part, err := t.Clone()
			if err != nil {
				return "", parts, err
			}
			parts[d] = append(parts[d], part)
		}
	}
	return letters.String(), parts, nil
}

// copyTo copies a tensor to a device.
func (m *mesh) copyTo(t *backend.Tensor, to int) *backend.Tensor {
	if t == nil {
		return nil
	}
	data, dims := device.Values(t), t.Shape().Dimensions
	c := backend.Floats(data, dims...)
	if t.DType() == device.BFloat16 {
		device.Free([]*backend.Tensor{c})
		c = device.BF16(data, dims...)
	}
	c.MustMaterializeOnDevice(m.backend, true, compute.DeviceNum(to))
	return c
}

// sync makes the replicas of the other devices, and copies weights again that something else than
// a step has replaced.
func (m *mesh) sync(first replica) {
	all := func(list []*backend.Tensor, d int) (copies []*backend.Tensor) {
		for _, t := range list {
			copies = append(copies, m.copyTo(t, d))
		}
		return copies
	}
	if m.others == nil {
		for d := 1; d < m.devices; d++ {
			m.others = append(m.others, replica{all(first.weights, d), all(first.m, d), all(first.v, d), all(first.masters, d)})
		}
	}
	for i, t := range m.seen {
		if first.weights[i] == t {
			continue
		}
		for d := range m.others {
			device.Free(m.others[d].weights[i : i+1])
			m.others[d].weights[i] = m.copyTo(first.weights[i], d+1)
		}
	}
	m.seen = slices.Clone(first.weights)
}

// close frees the replicas of the other devices.
func (m *mesh) close() {
	for _, r := range m.others {
		device.Free(r.weights, r.m, r.v, r.masters)
	}
	m.others, m.seen = nil, nil
}

// perDevice cuts the outputs of all devices into a list for each.
func (m *mesh) perDevice(out []*backend.Tensor) [][]*backend.Tensor {
	n := len(out) / m.devices
	lists := make([][]*backend.Tensor, m.devices)
	for d := range lists {
		lists[d] = out[d*n : (d+1)*n]
	}
	return lists
}

// meshGradients computes [Learner.gradients] on a mesh: one micro-batch after the other, each on all
// devices. The sums of all devices are the same.
func (l *Learner) meshGradients(p packed) (stat Stat, sums [][]*backend.Tensor, err error) {
	m := l.mesh
	m.sync(l.replica())
	for i, batch := range p.inputs {
		kinds, parts, err := m.split(batch)
		if err == nil {
			var in [][]*backend.Tensor
			for d, r := range l.replicas() {
				in = append(in, r.weights, parts[d])
			}
			var out []*backend.Tensor
			if out, err = m.gradient(kinds).Call(in...); err == nil {
				sums, err = l.meshAccumulate(&stat, p.order[i], sums, m.perDevice(out))
			}
		}
		device.Free(parts...)
		if err != nil {
			return stat, sums, fmt.Errorf("model: %d devices: %w", m.devices, err)
		}
	}
	return stat, sums, nil
}

// meshAccumulate reads the loss of one device and adds up the gradients of each.
func (l *Learner) meshAccumulate(stat *Stat, order []int, sums, outs [][]*backend.Tensor) ([][]*backend.Tensor, error) {
	stat.read(outs[0][:terms], order)
	first := sums == nil
	var in [][]*backend.Tensor
	for d, out := range outs {
		device.Free(out[:terms])
		if first {
			sums = append(sums, out[terms:])
		} else {
			in = append(in, sums[d], out[terms:])
		}
	}
	if first {
		return sums, nil
	}
	defer device.Free(in...)
	added, err := l.mesh.add.Call(in...)
	if err != nil {
		return nil, err
	}
	return l.mesh.perDevice(added), nil
}

// meshPrepare computes [Learner.Prepare] on a mesh.
func (l *Learner) meshPrepare(p packed, rates Rates) (*Update, Stat, error) {
	stat, sums, err := l.meshGradients(p)
	defer func() { device.Free(sums...) }()
	if err != nil {
		return nil, stat, err
	}
	var in [][]*backend.Tensor
	var scalars []*backend.Tensor
	defer func() { device.Free(scalars) }()
	for d, r := range l.replicas() {
		scalars = append(scalars, l.scalars(rates))
		in = append(in, scalars[d:], r.params(l.learns), r.m, r.v, sums[d])
	}
	out, err := l.mesh.apply.Call(in...)
	if err != nil {
		return nil, Stat{}, err
	}
	outs := l.mesh.perDevice(out)
	accepted := l.accept(&stat, outs[0][0], rates)
	for d, out := range outs {
		if d > 0 {
			device.Free(out[:1])
		}
		outs[d] = out[1:]
	}
	if !accepted {
		device.Free(outs...)
		return &Update{}, stat, nil
	}
	return &Update{l, rates, outs}, stat, nil
}

// replicas lists those of all devices.
func (l *Learner) replicas() []replica {
	return append([]replica{l.replica()}, l.mesh.others...)
}
