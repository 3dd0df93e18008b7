namespace Kv.Common.Membership;

/// <summary>
/// The suspicion level of the φ accrual failure detector (Hayashibara, Défago, Yared, Katayama 2004): minus the decimal logarithm of the probability
/// that a beat comes after a silence this long, if intervals are normally distributed. The tail is the logistic approximation that Akka and
/// Cassandra use; in logarithms, so that it neither overflows nor underflows.
/// </summary>
internal static class Phi
{
    public static double Of(TimeSpan silence, TimeSpan mean, TimeSpan deviation) => Of((silence - mean) / deviation);

    /// <summary>The silence at which the suspicion is <paramref name="phi"/>.</summary>
    public static TimeSpan SilenceAt(double phi, TimeSpan mean, TimeSpan deviation)
    {
        // φ is strictly increasing and at 100 deviations beyond any threshold; 60 halvings are exact to the tick.
        double low = -100, high = 100;
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            if (Of(middle) < phi) low = middle;
            else high = middle;
        }

        return mean + (deviation * high);
    }

    private static double Of(double deviations)
    {
        // Softplus(x) = ln(1 + e^x), written so that neither branch exponentiates a large number.
        var x = deviations * (1.5976 + (0.070566 * deviations * deviations));
        var softplus = x > 0 ? x + Math.Log(1 + Math.Exp(-x)) : Math.Log(1 + Math.Exp(x));
        return softplus / Math.Log(10);
    }
}
