using System.Globalization;

namespace Gateway.Netns.Tests.Soak;

/// <summary>How long the long forms run: <c>SOAK_MINUTES</c>, an hour unless it is set.</summary>
internal static class SoakTime
{
    public static TimeSpan Long => TimeSpan.FromMinutes(
        double.TryParse(Environment.GetEnvironmentVariable("SOAK_MINUTES"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var minutes) && minutes > 0 ? minutes : 60);
}
