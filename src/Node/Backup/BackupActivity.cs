using Kv.Node.Telemetry;

namespace Kv.Node.Backup;

/// <summary>The backup, restore or digest that this node runs, of which there is one at a time, and how far it is.</summary>
internal sealed class BackupActivity(TimeProvider time, KvMetrics metrics)
{
    private readonly Lock _gate = new();
    private Func<BackupReport>? _current;
    private BackupReport? _last;

    /// <summary>Begins one; null when one runs. It ends when it is disposed, badly unless it was told otherwise.</summary>
    public Run? TryBegin(string kind, BackupStage stage)
    {
        lock (_gate)
        {
            if (_current is not null) return null;
            var run = new Run(this, kind, stage, time.GetTimestamp());
            _current = () => run.Report(null);
            return run;
        }
    }

    /// <summary>What runs, or null.</summary>
    public BackupReport? Current
    {
        get
        {
            lock (_gate) return _current?.Invoke();
        }
    }

    /// <summary>How the last one ended, or null.</summary>
    public BackupReport? Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <summary>One backup or restore; told of its progress by whoever runs it.</summary>
    internal sealed class Run(BackupActivity activity, string kind, BackupStage stage, long since) : IDisposable
    {
        private BackupStage _stage = stage;
        private long _keys;
        private long _keysTotal;
        private long _bytes;
        private int _shards;
        private int _shardsTotal;
        private string _end = "broken off";

        public void Enter(BackupStage stage)
        {
            lock (activity._gate) _stage = stage;
        }

        public void Expect(long keys, int shards)
        {
            lock (activity._gate) (_keysTotal, _shardsTotal) = (keys, shards);
        }

        public void Moved(long keys)
        {
            lock (activity._gate) _keys += keys;
            activity.Count(kind, keys);
        }

        public void At(long bytes)
        {
            lock (activity._gate) _bytes = bytes;
        }

        public void ShardDone()
        {
            lock (activity._gate) _shards++;
        }

        /// <summary>How it ends: <c>done</c>, or what went wrong.</summary>
        public void End(string how)
        {
            lock (activity._gate) _end = how;
        }

        public BackupReport Report(string? end) => new(kind, _stage, _keys, _keysTotal, _bytes, _shards, _shardsTotal, activity.Since(since), end);

        public void Dispose() => activity.Ended(this, kind, _end);
    }

    private TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);

    private void Count(string kind, long keys) => metrics.BackupMoved(kind, keys);

    private void Ended(Run run, string kind, string how)
    {
        lock (_gate)
        {
            _last = run.Report(how);
            _current = null;
        }

        metrics.BackupEnded(kind, how == "done");
    }
}
