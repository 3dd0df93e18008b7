namespace Kv.Simulation.Time;

/// <summary>The clocks of one process: monotonic time is virtual time, wall time is what <paramref name="wallClockSkew"/> makes of it.</summary>
internal class SimTimeProvider(SimProcess process, Func<TimeSpan> wallClockSkew) : TimeProvider
{
    /// <summary>The wall time at which every simulation begins.</summary>
    public static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => process.Scheduler.Now;

    public override DateTimeOffset GetUtcNow() => Beginning + TimeSpan.FromTicks(process.Scheduler.Now) + wallClockSkew();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimTimer(SimProcess process, TimerCallback callback, object? state) : ITimer
    {
        private Setting? _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _setting = null;
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            _setting = new(this, period);
            process.Scheduler.After(dueTime, process, Fire, _setting);
            return true;
        }

        public void Dispose() => _setting = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        // A setting that was changed since it was scheduled is void. The next period begins when the callback runs, so a paused process finds one tick, not all.
        private static void Fire(object? scheduled)
        {
            var setting = (Setting)scheduled!;
            setting.Timer.FireIfCurrent(setting);
        }

        private void FireIfCurrent(Setting setting)
        {
            if (!ReferenceEquals(_setting, setting)) return;
            if (setting.Period > TimeSpan.Zero) process.Scheduler.After(setting.Period, process, Fire, setting);
            else _setting = null;
            callback(state);
        }

        private sealed record Setting(SimTimer Timer, TimeSpan Period);
    }
}
