"""Writes audio-goldens.json: spectra by librosa, and by TensorFlow's formulas in numpy.

    pip install librosa==0.11.0 scipy && python audio-goldens.py > audio-goldens.json

The signal is that of spectrum.test.ts (audio/): two tones, one of them rising, and noise by a linear
congruential generator, in float32.
"""

import json

import librosa
import numpy as np
import scipy.fft

RATE = 16000


def signal(count):
    state, noise = 1, np.empty(count)
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        noise[i] = state / 2**31 - 1
    t = np.arange(count) / RATE
    tones = 0.4 * np.sin(2 * np.pi * 440 * t) + 0.3 * np.sin(2 * np.pi * (500 + 4000 * t) * t)
    return (tones + 0.02 * noise).astype(np.float32)


def librosa_mel(x, *, fft, frame, hop, window="hann", center, pad_mode="constant", power, **mel):
    return librosa.feature.melspectrogram(
        y=x.astype(np.float64), sr=RATE, n_fft=fft, win_length=frame, hop_length=hop, window=window,
        center=center, pad_mode=pad_mode, power=power, dtype=np.float64, **mel,
    )


def tensorflow_mel(x, *, fft, frame, hop, bins, low, high):
    """tf.signal.stft and linear_to_mel_weight_matrix: frames of the window, zeros at the end."""
    count = 1 + (len(x) - frame) // hop
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    frames = np.stack([x[i * hop : i * hop + frame] * window for i in range(count)])
    spectrum = np.abs(np.fft.rfft(frames, fft))
    to_mel = lambda hz: 1127 * np.log(1 + hz / 700)
    edges = np.linspace(to_mel(low), to_mel(high), bins + 2)
    mels = to_mel(np.linspace(0, RATE / 2, fft // 2 + 1)[1:])[:, None]
    lower = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    upper = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    weights = np.pad(np.maximum(0, np.minimum(lower, upper)), [[1, 0], [0, 0]])
    return spectrum @ weights


def main():
    x = signal(2400)
    cases = {}
    slaney = librosa_mel(
        x, fft=512, frame=400, hop=160, center=True, power=2.0, n_mels=24, fmin=0.0, fmax=8000.0
    )
    cases["librosaDb"] = librosa.power_to_db(slaney, ref=1.0, amin=1e-10, top_db=80.0).T
    cases["librosaMfcc"] = librosa.feature.mfcc(S=librosa.power_to_db(slaney), n_mfcc=13).T
    # torchaudio.transforms.MelSpectrogram: htk, no norm, reflected at the ends.
    torchaudio = librosa_mel(
        x, fft=400, frame=400, hop=200, center=True, pad_mode="reflect", power=2.0, n_mels=20,
        fmin=50.0, fmax=7600.0, htk=True, norm=None,
    )
    cases["torchaudioLog"] = np.log(torchaudio + 1e-6).T
    hamming = librosa_mel(
        x, fft=256, frame=256, hop=128, window="hamming", center=False, power=1.0, n_mels=16,
        fmin=20.0, fmax=4000.0, htk=True, norm=None,
    )
    cases["hammingLog10"] = np.log10(np.maximum(hamming, 1e-5)).T
    tensorflow = tensorflow_mel(x, fft=512, frame=480, hop=320, bins=40, low=20.0, high=4000.0)
    log_mel = np.log(tensorflow + 1e-6)
    cases["tensorflowLog"] = log_mel
    # mfccs_from_log_mel_spectrograms: dct-II without norm, times 1 / sqrt(2 · bins).
    cases["tensorflowMfcc"] = scipy.fft.dct(log_mel, type=2)[:, :10] / np.sqrt(2 * 40)
    rows = {name: np.round(value, 6).tolist() for name, value in cases.items()}
    print(json.dumps(rows, separators=(",", ":")))


main()
