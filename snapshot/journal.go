package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// A journal is an append-only file of frames. A frame is
//
//	length of payload  uint32, little endian
//	CRC-32C of kind and payload  uint32, little endian
//	kind  one byte
//	payload
//
// and exists if it is whole and its checksum is right. Frames are appended in
// one write; a process that dies in one leaves a tail that the next run cuts off.
const (
	frameHeader  = 9
	maxFrame     = 256 << 20
	journalMagic = "tallyport journal 1\n"
	// syncBytes is how much may be written before it is made durable. A killed
	// process loses nothing of it, a machine that loses power at most that much.
	syncBytes = 4 << 20
)

type frameKind byte

const (
	frameRoster   frameKind = 'R' // users of the shard, a block of rows
	frameBlock    frameKind = 'B' // a block of a run
	frameCommit   frameKind = 'C' // a user is finished
	frameWithdraw frameKind = 'W' // the commits of these users no longer count
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendFrame(dst []byte, kind frameKind, payload []byte) []byte {
	return appendFrameOf(dst, kind, func(dst []byte) []byte { return append(dst, payload...) })
}

// appendFrameOf appends a frame whose payload is what add appends.
func appendFrameOf(dst []byte, kind frameKind, add func(dst []byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, frameHeader)...)
	dst = add(dst)
	head, payload := dst[start:start+frameHeader], dst[start+frameHeader:]
	binary.LittleEndian.PutUint32(head, uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[4:], frameSum(kind, payload))
	head[8] = byte(kind)
	return dst
}

func frameSum(kind frameKind, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte{byte(kind)}, castagnoli), castagnoli, payload)
}

// journal is one journal file, open for appending and reading. Its methods may
// be called from several goroutines.
type journal struct {
	name string
	st   Store
	in   File

	mu       sync.Mutex // guards what follows, and the order of appends
	out      Out
	size     int64
	unsynced int
	broken   error // of the append that failed: what follows it could not be found again
}

// openJournal opens the journal, making it if it is missing. visit is called
// for each whole frame that is there already; a broken tail is cut off.
func openJournal(st Store, name string, visit func(off int64, kind frameKind, payload []byte) error) (_ *journal, err error) {
	j := &journal{name: name, st: st}
	found, err := exists(st, name)
	if err != nil {
		return nil, err
	}
	if !found {
		if j.out, err = st.Create(name); err != nil {
			return nil, err
		}
		if _, err := j.out.Write([]byte(journalMagic)); err != nil {
			return nil, errors.Join(err, j.out.Close())
		}
		j.size = int64(len(journalMagic))
	}
	if j.in, err = st.Open(name); err != nil {
		return nil, errors.Join(err, j.closeOut())
	}
	if !found {
		return j, nil
	}
	if j.size, err = j.scan(visit); err != nil {
		return nil, errors.Join(err, j.in.Close())
	}
	if j.out, err = st.Append(name, j.size); err != nil {
		return nil, errors.Join(err, j.in.Close())
	}
	if j.size == 0 { // died before the first frame
		_, err = j.out.Write([]byte(journalMagic))
		j.size = int64(len(journalMagic))
	}
	return j, err
}

// scan visits the whole frames and returns where they end.
func (j *journal) scan(visit func(off int64, kind frameKind, payload []byte) error) (int64, error) {
	magic := make([]byte, len(journalMagic))
	if _, err := io.ReadFull(io.NewSectionReader(j.in, 0, j.in.Size()), magic); err != nil || string(magic) != journalMagic {
		if j.in.Size() > int64(len(journalMagic)) {
			return 0, fmt.Errorf("%s is not a journal of this version; remove its directory to start again", j.name)
		}
		return 0, nil
	}
	off := int64(len(journalMagic))
	var buf []byte
	for {
		kind, payload, err := j.read(off, &buf)
		if errors.Is(err, errTornFrame) {
			return off, nil
		}
		if err != nil {
			return 0, err
		}
		if err := visit(off, kind, payload); err != nil {
			return 0, err
		}
		off += frameHeader + int64(len(payload))
	}
}

var errTornFrame = errors.New("journal frame is not whole")

// read returns the frame at off. The payload is in *buf.
func (j *journal) read(off int64, buf *[]byte) (frameKind, []byte, error) {
	var head [frameHeader]byte
	if _, err := j.in.ReadAt(head[:], off); err != nil {
		return 0, nil, tornIfEOF(err)
	}
	n := binary.LittleEndian.Uint32(head[0:])
	if n > maxFrame {
		return 0, nil, errTornFrame
	}
	if cap(*buf) < int(n) {
		*buf = make([]byte, n)
	}
	payload := (*buf)[:n]
	if _, err := j.in.ReadAt(payload, off+frameHeader); err != nil {
		return 0, nil, tornIfEOF(err)
	}
	kind := frameKind(head[8])
	if frameSum(kind, payload) != binary.LittleEndian.Uint32(head[4:]) {
		return 0, nil, errTornFrame
	}
	return kind, payload, nil
}

func tornIfEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTornFrame
	}
	return err
}

// append writes frames, made by make from the offset they will stand at, in
// one write. It syncs when enough has gathered.
func (j *journal) append(make func(at int64) []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	b := make(j.size)
	if _, err := j.out.Write(b); err != nil {
		j.broken = fmt.Errorf("journal %s: %w", j.name, err)
		return j.broken
	}
	j.size += int64(len(b))
	if j.unsynced += len(b); j.unsynced < syncBytes {
		return nil
	}
	return j.syncLocked()
}

func (j *journal) sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.syncLocked()
}

func (j *journal) syncLocked() error {
	if err := j.out.Sync(); err != nil {
		return fmt.Errorf("journal %s: %w", j.name, err)
	}
	j.unsynced = 0
	return nil
}

func (j *journal) closeOut() error {
	if j.out == nil {
		return nil
	}
	return j.out.Close()
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.closeOut(), j.in.Close())
}
