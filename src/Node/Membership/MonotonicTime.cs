namespace Kv.Node.Membership;

internal static class MonotonicTime
{
    /// <summary>Monotonic time from the origin of the provider's timestamps: it only measures distances, and no clock adjustment moves it.</summary>
    public static TimeSpan Monotonic(this TimeProvider time) => time.GetElapsedTime(0);
}
