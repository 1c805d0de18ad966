using Gateway.Contracts.Lab;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/lab: there only on the gateway of a lab (<c>make lab</c>).</summary>
public sealed class LabClient
{
    private readonly GatewayClient _api;

    internal LabClient(GatewayClient api) => _api = api;

    /// <summary>The experiments, what can be broken, and the hosts as they are.</summary>
    public Task<ApiResult<LabResponse>> GetAsync(CancellationToken cancellationToken = default) => _api.GetAsync<LabResponse>("lab", cancellationToken);

    /// <summary>The last run of an experiment.</summary>
    public Task<ApiResult<LabRun>> GetRunAsync(string number, CancellationToken cancellationToken = default) => _api.GetAsync<LabRun>($"lab/experiments/{Paths.Escape(number)}/run", cancellationToken);

    /// <summary>Runs an experiment and answers when it is through.</summary>
    public Task<ApiResult<LabRun>> RunAsync(string number, LabRunRequest request, CancellationToken cancellationToken = default) =>
        _api.SendAsync<LabRun>(HttpMethod.Post, $"lab/experiments/{Paths.Escape(number)}/run", request, null, cancellationToken);

    /// <summary>Breaks something, by its name in <see cref="LabBreaks"/>.</summary>
    public Task<ApiResult<LabRun>> BreakAsync(string name, LabRunRequest request, CancellationToken cancellationToken = default) =>
        _api.SendAsync<LabRun>(HttpMethod.Post, $"lab/breaks/{Paths.Escape(name)}", request, null, cancellationToken);

    /// <summary>Heals it.</summary>
    public Task<ApiResult<LabRun>> HealAsync(string name, CancellationToken cancellationToken = default) =>
        _api.SendAsync<LabRun>(HttpMethod.Delete, $"lab/breaks/{Paths.Escape(name)}", null, null, cancellationToken);

    /// <summary>Puts everything back as <c>make lab</c> left it.</summary>
    public Task<ApiResult<LabRun>> ResetAsync(CancellationToken cancellationToken = default) => _api.SendAsync<LabRun>(HttpMethod.Post, "lab/reset", null, null, cancellationToken);

    /// <summary>Packets at the six points as they pass, a <see cref="LabPacket"/> in JSON a line. The caller disposes of the answer, which ends the stream.</summary>
    public Task<ApiResult<HttpResponseMessage>> StreamAsync(int? seconds = null, CancellationToken cancellationToken = default) =>
        _api.OpenAsync(HttpMethod.Get, Paths.With("lab/packets", null, ("seconds", seconds)), null, cancellationToken);
}
